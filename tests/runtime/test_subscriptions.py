"""A subscription is known to the server when we say so, and loses nothing when it ends."""

from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.nats import EmbeddedNats
from shared.subscriptions import confirmed, leave
from tests.eventually import eventually


class Inbox:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def take(self, msg: Msg) -> None:
        self.got.append(msg.data)


async def test_what_is_confirmed_is_known_to_everybody(
    nats_server: EmbeddedNats, nc: Client
) -> None:
    other = Client()
    await other.connect(nats_server.url)
    for number in range(50):
        subject, inbox = nc.new_inbox(), Inbox()
        await nc.subscribe(subject, cb=inbox.take)
        await confirmed(nc)
        await other.publish(subject, b"%d" % number)
        await confirmed(other)
        await eventually(lambda box=inbox: len(box.got) == 1)
    await other.close()


async def test_what_had_come_before_the_end_is_given_to_the_callback(nc: Client) -> None:
    inbox = Inbox()
    subscription = await nc.subscribe("tests.leaving", cb=inbox.take)
    for number in range(100):
        await nc.publish("tests.leaving", b"%d" % number)
    await leave(nc, subscription)
    assert len(inbox.got) == 100
    await nc.publish("tests.leaving", b"late")
    await confirmed(nc)
    assert len(inbox.got) == 100

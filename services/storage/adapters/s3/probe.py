"""Look at the store before anything is entrusted to it.

One small object in every area tells whether we may list, write and delete there, whether a
conditional put is refused where something is, and whether strangers can read what is closed.
"""

from dataclasses import dataclass

from services.storage.adapters.s3.calls import Calls
from services.storage.adapters.s3.exposure import addresses, opened_by
from services.storage.adapters.s3.failures import Exists, NotImplementedThere, Refused
from services.storage.adapters.s3.layout import Layout, Place
from services.storage.adapters.s3.writing import CreateOnly
from services.storage.ports import Area
from shared.outcomes import TryLater

# Never written over: with another text it has to have another name.
PROBE = "content/atelier-probe.txt"
_CLOSED = (Area.PRIVATE, Area.REVIEW)
_BUCKET_CODES = {"NoSuchBucket", "InvalidBucketName"}
_KEY_CODES = {"InvalidAccessKeyId": "R2_ACCESS_KEY_ID"}
_SECRET_CODES = {"SignatureDoesNotMatch": "R2_SECRET_ACCESS_KEY"}


class SettingsWrong(TryLater):
    """The store answers, and will not do what we need before `setting` is another."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


@dataclass(slots=True)
class Probe:
    """Opens the writer once all is well. `is_settled`: nothing is left to look at."""

    calls: Calls
    writer: CreateOnly
    layout: Layout
    endpoint: str
    public_url: str | None
    is_settled: bool = False

    async def __call__(self) -> None:
        """Look, if anything is left, else only whether the store is there.

        Raises SettingsWrong, TryLater.
        """
        if self.is_settled:
            await self._list(self.layout.place(Area.PRIVATE, PROBE))
            return
        try:
            conditions = [await self._may_use(area) for area in Area]
            all_answered = await self._closed_to_strangers()
        except SettingsWrong as wrong:
            self.writer.is_open = False
            self.calls.trouble = wrong
            raise
        self.writer.knows_conditions = all(conditions)
        self.writer.is_open = True
        self.is_settled = all_answered

    async def _may_use(self, area: Area) -> bool:
        """Whether conditional puts are refused there as they should be."""
        place = self.layout.place(area, PROBE)
        try:
            await self._list(place)
            await self.writer.delete(Place(place.bucket, f"{place.key}.gone"))
            # The second time at the latest something is there.
            return await self._is_refused(place, area) or await self._is_refused(place, area)
        except Refused as refused:
            raise self._blame(area, refused) from None

    async def _list(self, place: Place) -> None:
        async with self.calls.call() as s3:
            await s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)

    async def _is_refused(self, place: Place, area: Area) -> bool:
        try:
            await self._put(place, area, IfNoneMatch="*")
        except Exists:
            return True
        except NotImplementedThere:
            await self._put(place, area)
        return False

    async def _put(self, place: Place, area: Area, **condition: str) -> None:
        async with self.calls.call() as s3:
            await s3.put_object(
                Bucket=place.bucket,
                Key=place.key,
                Body=_mark(area),
                ContentType="text/plain",
                CacheControl="no-store",
                **condition,
            )

    async def _closed_to_strangers(self) -> bool:
        all_answered = True
        for area in _CLOSED:
            place = self.layout.place(area, PROBE)
            known = addresses(place, endpoint=self.endpoint, public_url=self.public_url)
            found, answered = await opened_by(known, _mark(area))
            if found:
                raise _exposed(found[0], self.endpoint)
            all_answered &= answered
        return all_answered

    def _blame(self, area: Area, refused: Refused) -> SettingsWrong:
        is_apart = area is Area.PUBLIC and self.layout.public_bucket is not None
        bucket = "R2_PUBLIC_BUCKET_NAME" if is_apart else "R2_BUCKET_NAME"
        if refused.code in _BUCKET_CODES:
            return SettingsWrong(bucket, refused.detail)
        named = (_KEY_CODES | _SECRET_CODES).get(refused.code)
        return SettingsWrong(named or f"R2_ACCESS_KEY_ID, {bucket}", refused.detail)


def _mark(area: Area) -> bytes:
    return f"Atelier looks at this to see who may read its {area.value} objects.\n".encode()


def _exposed(address: str, endpoint: str) -> SettingsWrong:
    if address.startswith(f"{endpoint}/"):
        return SettingsWrong("R2_BUCKET_NAME", "anybody can read objects of this bucket")
    return SettingsWrong(
        "R2_PUBLIC_URL",
        "anybody can read private objects through it: let it serve R2_PUBLIC_BUCKET_NAME, or the "
        "folder public/ only",
    )

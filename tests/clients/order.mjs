// Orders a batch by event and follows it to its end; prints one JSON object a line.
// Usage: node order.mjs <tenant> <avatar id> <pieces> <idempotency key>
// NATS_URL tells where the broker is, NATS_NKEY names the file with our seed.

import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import nats from "nats";

const TASK_IDS = "777cfe6e-e69a-4b01-8299-42efef3979dd";
const LIMIT_MS = 60_000;
const [tenant, avatarId, pieces, key] = process.argv.slice(2);

/** The version 5 UUID (RFC 9562) of a name. */
function uuid5(namespace, name) {
  const space = Buffer.from(namespace.replaceAll("-", ""), "hex");
  const id = createHash("sha1").update(space).update(name, "utf8").digest().subarray(0, 16);
  id[6] = (id[6] & 0x0f) | 0x50;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function options() {
  const seed = readFileSync(process.env.NATS_NKEY, "utf8").trim();
  return {
    servers: process.env.NATS_URL,
    authenticator: nats.nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: "_INBOX_outside",
  };
}

function print(fact) {
  console.log(JSON.stringify(fact));
}

const nc = await nats.connect(options());
const taskId = uuid5(TASK_IDS, `${tenant}|key:${key}`);
const ended = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("not completed in time")), LIMIT_MS).unref();
  let persisted = 0;
  let awaited = null;
  const heard = (error, message) => {
    if (error) return reject(error);
    const fact = message.subject.split(".").slice(0, 2).join(".");
    const body = message.json();
    print({ fact, type: message.headers?.get("ce-type"), ...body });
    if (fact === "content.persisted") persisted += 1;
    if (fact === "task.completed") awaited = body.persisted;
    // Facts of different kinds arrive in any order: the last piece perhaps after the end.
    if (fact === "task.refused" || persisted === awaited) resolve();
  };
  // Listening begins before the request is sent: its task's id is known beforehand.
  nc.subscribe(`task.accepted.${tenant}.${taskId}`, { callback: heard });
  nc.subscribe(`task.refused.${tenant}.${taskId}.*`, { callback: heard });
  nc.subscribe(`content.persisted.${tenant}.${taskId}.*.*`, { callback: heard });
  nc.subscribe(`task.completed.${tenant}.${taskId}`, { callback: heard });
});
await nc.flush();

const headers = nats.headers();
headers.set("ce-specversion", "1.0");
headers.set("ce-type", "atelier.task.requested.v1");
headers.set("ce-source", "/tests/node");
headers.set("ce-id", randomUUID());
const order = { avatar_id: avatarId, num_pieces: Number(pieces), platform: "tiktok" };
const ack = await nc
  .jetstream()
  .publish(`task.requested.${tenant}.from-node`, JSON.stringify({ idempotency_key: key, order }), {
    headers,
  });
print({ fact: "task.requested", task_id: taskId, stream: ack.stream });
await ended;
await nc.close();

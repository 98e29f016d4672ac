import { expect, test } from "vitest";
import { readAnnotation, writeAnnotation } from "../../src/access/lease/annotation.ts";
import { bindingFor } from "../../src/access/lease/own-bindings.ts";
import { memoryKeys } from "../../src/access/seal.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { readDocument } from "../../src/aws-auth/read-document.ts";
import { inTurns } from "../../src/operations/parallel.ts";
import {
  ownBindingsAmong,
  planRemembered,
  readAnnotationRemembered,
  readLeaseRemembered,
  readRemembered,
  writeAnnotationRemembered,
} from "../../src/worker/remembered.ts";
import { aHolding, aShare } from "../builders/a-share.ts";

test("an annotation is believed for the cluster and the key that sealed it, however often it was read", () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const holdings = Array.from({ length: 100 }, () => aHolding());
  const text = writeAnnotation("staging", holdings, keys) ?? "";
  const read = (cluster: string, of = keys, what = text) => readAnnotationRemembered(cluster, what, of).type;

  const first = [read("staging"), read("staging")];

  expect(first).toEqual(["holdings", "holdings"]);
  expect(read("production")).toBe("untrusted");
  expect(read("staging", memoryKeys([Buffer.alloc(32, 2)]))).toBe("untrusted");
  expect(read("staging", keys, text.replace('"v":1', '"v":2'))).toBe("untrusted");
  expect(read("staging")).toBe("holdings");
});

test("an annotation is not read again after its own write, and only the written text is believed", () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const holdings = Array.from({ length: 100 }, (_, index) =>
    aHolding({ arn: `arn:aws:iam::111122223333:role/${index}` }),
  );
  const text = writeAnnotationRemembered("staging", holdings, keys) ?? "";

  const reading = readAnnotationRemembered("staging", text, keys);

  expect(reading).toStrictEqual(readAnnotation("staging", text, keys));
  expect(reading.type === "holdings" && reading.holdings.every((each) => holdings.includes(each))).toBe(true);
  expect(readAnnotationRemembered("staging", text.replace("viewers", "masters"), keys).type).toBe("untrusted");
});

const entry = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [readers]\n";

test("a document is read once for one text, and is what a new reading would be", async () => {
  const data = { mapRoles: entry.repeat(100) };

  const document = await readRemembered(data);

  expect(document).toEqual(readDocument(data));
  expect(await readRemembered({ ...data })).toBe(document);
  expect(await readRemembered({ mapRoles: `${data.mapRoles}\n` })).not.toBe(document);
});

test("the short documents and annotations of a large fleet take no memory", async () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const text = writeAnnotation("staging", [aHolding()], keys) ?? "";

  const readings = [() => readRemembered({ mapRoles: entry }), () => readAnnotationRemembered("staging", text, keys)];

  for (const read of readings) expect(await read()).not.toBe(await read());
});

test("the lease of a binding is believed for the place, the cluster and the key that sealed it, however often it was read", () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const lease = { principal: "arn:aws:iam::111122223333:user/dev", user: "dev", share: aShare() };
  const binding = bindingFor("staging", lease, "ClusterRole edit in shop", keys);
  const [annotation = ""] = Object.values(binding?.annotations ?? {});
  const place = { name: binding?.name ?? "", namespace: "shop" };
  const read = (cluster: string, at = place, text = annotation, of = keys) =>
    readLeaseRemembered(cluster, at, text, of)?.user;

  const first = [read("staging"), read("staging")];

  expect(first).toEqual(["dev", "dev"]);
  expect(read("production")).toBeUndefined();
  expect(read("staging", { ...place, namespace: "payments" })).toBeUndefined();
  expect(read("staging", place, annotation.replace('"dev"', '"eve"'))).toBeUndefined();
  expect(read("staging", place, annotation, memoryKeys([Buffer.alloc(32, 2)]))).toBeUndefined();
  expect(read("staging")).toBe("dev");
});

test("others' bindings are read in turns: whatever else the process does comes between", async () => {
  const binding = { name: "theirs", namespace: "shop", uid: "u-1", labels: {}, annotations: {}, deletedAt: null };
  const theirs = { ...binding, role: { kind: "ClusterRole", name: "view" } as const, subjects: [] };
  let turns = 0;
  const other = setInterval(() => {
    turns += 1;
  }, 0);

  const { parts, forged } = await ownBindingsAmong(
    "staging",
    Array.from({ length: 20_000 }, () => theirs),
    memoryKeys([Buffer.alloc(32, 1)]),
  );
  clearInterval(other);

  expect([parts.length, forged.length]).toEqual([0, 20_000]);
  expect(turns).toBeGreaterThan(1);
});

test("a large document is read and planned in turns, too", async () => {
  const role = (index: number) => `- rolearn: arn:aws:iam::111122223333:role/r${index}\n  username: u\n  groups: [a]\n`;
  const data = { mapRoles: Array.from({ length: 4_000 }, (_, index) => role(index)).join("") };
  const change = { type: "unmap", arn: "arn:aws:iam::111122223333:role/r7" } as const;
  const turns = { reading: 0, planning: 0 };
  let work: keyof typeof turns = "reading";
  const other = setInterval(() => {
    turns[work] += 1;
  }, 0);

  const document = await readRemembered(data);
  work = "planning";
  const plan = await inTurns(planRemembered(document, [change]));
  clearInterval(other);

  const planned = planChanges(document, [change]);
  expect("after" in plan && "after" in planned && plan.after.mapRoles === planned.after.mapRoles).toBe(true);
  expect(turns.reading).toBeGreaterThan(1);
  expect(turns.planning).toBeGreaterThan(1);
});

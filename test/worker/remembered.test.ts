import { expect, test } from "vitest";
import { memoryKeys } from "../../src/access/approval/seal.ts";
import { writeAnnotation } from "../../src/access/lease/annotation.ts";
import { bindingFor } from "../../src/access/lease/own-bindings.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import {
  ownBindingsAmong,
  parseRemembered,
  readAnnotationRemembered,
  readLeaseRemembered,
  readRemembered,
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

const entry = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [readers]\n";

test("a document is read once for one text, and is what a new reading would be", () => {
  const data = { mapRoles: entry.repeat(100) };

  const document = parseRemembered(data);

  expect(document).toEqual(parseDocument(data));
  expect(parseRemembered({ ...data })).toBe(document);
  expect(readRemembered({ ...data })).toBe(readRemembered(data));
  expect(parseRemembered({ mapRoles: `${data.mapRoles}\n` })).not.toBe(document);
});

test("the short documents and annotations of a large fleet take no memory", () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const text = writeAnnotation("staging", [aHolding()], keys) ?? "";

  const readings = [() => parseRemembered({ mapRoles: entry }), () => readAnnotationRemembered("staging", text, keys)];

  for (const read of readings) expect(read()).not.toBe(read());
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

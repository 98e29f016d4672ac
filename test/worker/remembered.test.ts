import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type DecisionPublicKeys, memoryKeys, publicKeys, signingKeys } from "../../src/access/approval/seal.ts";
import { writeAnnotation } from "../../src/access/lease/annotation.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import {
  parseRemembered,
  readAnnotationRemembered,
  readRemembered,
  rememberingSeals,
} from "../../src/worker/remembered.ts";
import { aHolding } from "../builders/a-share.ts";

const decision = { by: "U0APPROVER", at: "2026-11-26T10:00:00.000Z" };

/** Keys that count how often a seal is really verified. */
function countedKeys() {
  const pair = generateKeyPairSync("ed25519");
  const keys: DecisionPublicKeys = publicKeys([pair.publicKey]);
  let verified = 0;
  const counted: DecisionPublicKeys = {
    ids: keys.ids,
    isSealed: (purpose, value, seal) => {
      verified += 1;
      return keys.isSealed(purpose, value, seal);
    },
  };
  const seal = signingKeys<"decision">(pair.privateKey).seal("decision", decision);
  return { keys: rememberingSeals(counted), seal, verified: () => verified };
}

test("a seal that holds is verified once", () => {
  const { keys, seal, verified } = countedKeys();

  const answers = [1, 2, 3].map(() => keys.isSealed("decision", { ...decision }, seal));

  expect(answers).toEqual([true, true, true]);
  expect(verified()).toBe(1);
});

test("what differs by one field, one purpose or one letter of the seal is verified anew, and is false", () => {
  const { keys, seal } = countedKeys();
  keys.isSealed("decision", decision, seal);

  const forged = [
    keys.isSealed("decision", { ...decision, by: "U0ENGINEER" }, seal),
    keys.isSealed("review", decision, seal),
    keys.isSealed("decision", decision, `${seal.slice(0, -2)}AA`),
    keys.isSealed("decision", decision, [seal]),
    keys.isSealed("decision", decision, undefined),
  ];

  expect(forged).toEqual([false, false, false, false, false]);
});

test("a seal that holds for one key counts nothing for another", () => {
  const { keys, seal } = countedKeys();
  keys.isSealed("decision", decision, seal);

  const { keys: others } = countedKeys();

  expect(others.isSealed("decision", decision, seal)).toBe(false);
});

test("an annotation is believed for the cluster and the key that sealed it, however often it was read", () => {
  const keys = memoryKeys([Buffer.alloc(32, 1)]);
  const text = writeAnnotation("staging", [aHolding()], keys) ?? "";
  const read = (cluster: string, of = keys, what = text) => readAnnotationRemembered(cluster, what, of).type;

  const first = [read("staging"), read("staging")];

  expect(first).toEqual(["holdings", "holdings"]);
  expect(read("production")).toBe("untrusted");
  expect(read("staging", memoryKeys([Buffer.alloc(32, 2)]))).toBe("untrusted");
  expect(read("staging", keys, text.replace('"v":1', '"v":2'))).toBe("untrusted");
  expect(read("staging")).toBe("holdings");
});

test("a document is read once for one text, and is what a new reading would be", () => {
  const data = { mapRoles: "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [readers]\n" };

  const document = parseRemembered(data);

  expect(document).toEqual(parseDocument(data));
  expect(parseRemembered({ ...data })).toBe(document);
  expect(readRemembered({ ...data })).toBe(readRemembered(data));
  expect(parseRemembered({ mapRoles: `${data.mapRoles}\n` })).not.toBe(document);
});

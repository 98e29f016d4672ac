import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  canonicalJson,
  type Json,
  memoryKeys,
  publicKeys,
  type Signer,
  type SlackKeys,
  signingKeys,
  type Verifier,
  type WorkerKeys,
} from "../../src/access/seal.ts";
import { aPrivateKey, aSecret, keys, otherKeys } from "../builders/keys.ts";

const value = { request: "r-1", by: "U0APPROVER" };
const [oldKey, newKey] = [aPrivateKey("old"), aPrivateKey("new")];
const [oldSecret, newSecret] = [aSecret("old"), aSecret("new")];

/** A seal of each algorithm, with its verifier. */
const kinds = [
  [
    "Ed25519",
    keys.decision.seal("decision", value),
    (seal: unknown) => keys.decision.isSealed("decision", value, seal),
  ],
  ["HMAC", keys.memory.seal("entry", value), (seal: unknown) => keys.memory.isSealed("entry", value, seal)],
] as const;

test("a seal is valid for its value, in any order of its fields", () => {
  const reordered = { by: "U0APPROVER", request: "r-1" };

  expect(keys.decision.isSealed("decision", reordered, keys.decision.seal("decision", value))).toBe(true);
  expect(keys.memory.isSealed("entry", reordered, keys.memory.seal("entry", value))).toBe(true);
});

test("a seal is not valid for another value, another purpose or another installation", () => {
  const decision = keys.decision.seal("decision", value);
  const entry = keys.memory.seal("entry", value);

  expect(keys.decision.isSealed("decision", { ...value, by: "U0INTRUDER" }, decision)).toBe(false);
  expect(keys.decision.isSealed("review", value, decision)).toBe(false);
  expect(otherKeys.decision.isSealed("decision", value, decision)).toBe(false);
  expect(keys.memory.isSealed("entry", { ...value, by: "U0INTRUDER" }, entry)).toBe(false);
  expect(keys.memory.isSealed("written", value, entry)).toBe(false);
  expect(otherKeys.memory.isSealed("entry", value, entry)).toBe(false);
});

test("public keys verify decisions, and can't seal one", () => {
  const verifier = publicKeys<"decision">([createPublicKey(oldKey)]);

  expect(verifier.isSealed("decision", value, signingKeys<"decision">(oldKey).seal("decision", value))).toBe(true);
  expect(verifier).not.toHaveProperty("seal");
});

test("the compiler refuses a key for what another kind of key seals", () => {
  expectTypeOf<Signer<"decision">>().not.toExtend<Signer<"memory">>();
  expectTypeOf<Signer<"memory">>().not.toExtend<Signer<"decision">>();
  expectTypeOf<Signer<"preview">>().not.toExtend<Signer<"decision">>();
  expectTypeOf<Verifier<"preview">>().not.toExtend<Verifier<"decision">>();
  expectTypeOf<Verifier<"decision">>().not.toExtend<Signer<"decision">>();
  expectTypeOf<"annotation">().not.toExtend<Parameters<Signer<"decision">["seal"]>[0]>();
  expectTypeOf<WorkerKeys["decision"]>().not.toHaveProperty("seal");
  expectTypeOf<SlackKeys["preview"]>().not.toHaveProperty("seal");
  expectTypeOf<SlackKeys>().not.toHaveProperty("memory");
});

describe("during a rotation the seals of both keys are valid, and the new key makes new ones:", () => {
  test("a secret", () => {
    const before = memoryKeys([oldSecret]).seal("entry", value);
    const both = memoryKeys([newSecret, oldSecret]);
    const alone = memoryKeys([newSecret]);

    expect(both.isSealed("entry", value, before)).toBe(true);
    expect(both.seal("entry", value)).toBe(alone.seal("entry", value));
    expect(alone.isSealed("entry", value, before)).toBe(false);
  });

  test("a private key", () => {
    const before = signingKeys<"decision">(oldKey).seal("decision", value);
    const both = signingKeys<"decision">(newKey, [createPublicKey(oldKey)]);
    const alone = signingKeys<"decision">(newKey);

    expect(both.isSealed("decision", value, before)).toBe(true);
    expect(both.seal("decision", value)).toBe(alone.seal("decision", value));
    expect(alone.isSealed("decision", value, before)).toBe(false);
  });
});

test("a seal reveals nothing of its key, and stays the same after a restart", () => {
  expect(memoryKeys([oldSecret]).seal("entry", value)).toMatch(/^[0-9a-f]{8}\.[0-9a-f]{64}$/);
  expect(signingKeys<"decision">(oldKey).seal("decision", value)).toMatch(/^[0-9a-f]{8}\.[\w-]{86}$/);
  expect(memoryKeys([oldSecret]).seal("entry", value)).toBe(memoryKeys([aSecret("old")]).seal("entry", value));
});

test("the keys can't be read from the objects that use them", () => {
  expect(JSON.stringify(keys)).not.toMatch(/[A-Za-z0-9+/=_-]{16}/);
});

describe.each(kinds)("a seal by %s", (_, seal, holds) => {
  test("is valid as it is", () => {
    expect(holds(seal)).toBe(true);
  });

  test("is broken by one flipped bit anywhere", () => {
    const bytes = Buffer.from(seal);

    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (index, bit) => {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(index) ^ (1 << bit), index);

        expect(holds(flipped.toString("latin1"))).toBe(false);
      }),
    );
  });

  test.each<[string, (seal: string) => unknown]>([
    ["nothing", () => ""],
    ["no text", () => 1],
    ["no seal at all", () => undefined],
    ["a key id alone", (text) => text.slice(0, 9)],
    ["something behind it", (text) => `${text}00`],
    ["something behind it that is no digit", (text) => `${text}.zz`],
    ["upper case", (text) => text.toUpperCase()],
    ["half of it", (text) => text.slice(0, 40)],
    ["the id of a key that there is not", (text) => `00000000${text.slice(8)}`],
  ])("with %s is not valid", (_how, change) => {
    expect(holds(change(seal))).toBe(false);
  });

  test("is not valid for a value that is nested too deep to be written, without a failure", () => {
    const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);

    expect(keys.decision.isSealed("decision", deep, seal)).toBe(false);
    expect(keys.memory.isSealed("entry", deep, seal)).toBe(false);
  });
});

test("equal values give equal text, in whatever order their keys were written", () => {
  const one = canonicalJson({ b: [1, { d: null, c: "x" }], a: true });
  const other = canonicalJson({ a: true, b: [1, { c: "x", d: null }] });

  expect(one).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
  expect(other).toBe(one);
});

test("a field that is undefined is not there", () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
});

test("the text is JSON of the same value, whatever the value is, so different values never share one", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json);

      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

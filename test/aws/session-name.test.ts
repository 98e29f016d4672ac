import fc from "fast-check";
import { expect, test } from "vitest";
import { sessionNameOf } from "../../src/aws/session-policy.ts";
import { anyCharacter } from "../any-text.ts";

test("a session is named after the request and its requester", () => {
  expect(sessionNameOf("r-7f3k", "U012ABCDEF")).toBe("eks-access-r-7f3k-U012ABCDEF");
});

test("accents lose their marks and other letters become one hyphen", () => {
  expect(sessionNameOf("r1", "José / Müller 李")).toBe("eks-access-r1-Jose-Muller");
});

test("a long name is cut at the end, so the request's id stays whole", () => {
  const name = sessionNameOf("r-7f3k", "x".repeat(200));

  expect(name).toHaveLength(64);
  expect(name).toMatch(/^eks-access-r-7f3k-x+$/);
});

test("whatever the parts are, STS takes the name", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: anyCharacter }), { maxLength: 3 }), (parts) => {
      expect(sessionNameOf(...parts)).toMatch(/^[\w+=,.@-]{2,64}$/);
    }),
  );
});

import { expect, test } from "vitest";
import { readAnswer, SentObject } from "../../src/kubernetes/config-map.ts";

const users = `- userarn: "arn:aws:iam::111122223333:user/ä"\n\\ <&> \u2028 \ud800\n`.repeat(200);
const leases = JSON.stringify({ held: Array.from({ length: 400 }, (_, index) => ({ arn: `user/${index}` })) });
const object = {
  kind: "ConfigMap",
  metadata: { resourceVersion: "1", annotations: { "eks-access/leases": leases, small: "x" }, finalizers: ["a"] },
  data: { mapRoles: "[]", mapUsers: users, ["__proto__"]: `${users}!` },
};
const sent = new SentObject(object);

/** How much of the answer was read as text. */
function reading(json: string) {
  const bytes = Buffer.from(json);
  const lengths: number[] = [];
  const textOf = (left: Buffer) => {
    lengths.push(left.length);
    return left.toString("utf8");
  };
  const found = readAnswer({ status: 200, headers: {}, bytes, text: () => textOf(bytes), textOf }, sent);
  return { found, isWhole: lengths.includes(bytes.length) };
}

test("an object is sent as its JSON", () => {
  expect(sent.bytes.toString("utf8")).toBe(JSON.stringify(object));
});

test("an answer that repeats the large texts is read without them, and is the same as if it were read whole", () => {
  const answer = JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: "2" } });

  const { found, isWhole } = reading(answer);

  expect(isWhole).toBe(false);
  expect(JSON.stringify(found)).toBe(answer);
});

const [annotation, map] = [leases, users].map((text) => JSON.stringify(text));
const whole = JSON.stringify(object);

test.each([
  ["another text", whole.replace("user/399", "user/400")],
  ["a text without its end", whole.replace(`${annotation}`, `${annotation?.slice(0, -20)}"`)],
  ["a text escaped in another way", whole.replaceAll("<", "\\u003c")],
  ["two texts in each other's place", JSON.stringify({ ...object, data: { ...object.data, mapRoles: `${users}!` } })],
  ["a text as a label", whole.replace(`"annotations":{`, `"labels":{"a":${annotation}},"annotations":{"b":"c",`)],
  ["a text inside of another one", whole.replace(`${annotation}`, JSON.stringify(`${leases}${annotation}`))],
  ["a key twice", whole.replace(`"mapUsers":${map}`, `"mapUsers":${map},"mapUsers":"[]"`)],
  ["no text", `{"kind":"ConfigMap","data":{"mapRoles":"[]"}}`],
])("an answer with %s is the same as if it were read whole", (_, answer) => {
  expect(JSON.stringify(reading(answer).found)).toBe(JSON.stringify(JSON.parse(answer)));
});

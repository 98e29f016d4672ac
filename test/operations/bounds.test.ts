import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { allOfPages, boundedText } from "../../src/operations/bounds.ts";

const bounds = { pages: 5, items: 100, deadline: new AbortController().signal };

test("pages are read until there is no other one", async () => {
  const asked: (string | undefined)[] = [];
  const pages = [
    { items: [1, 2], next: "two" },
    { items: [3], next: "" },
  ];

  const all = await allOfPages("GET things", bounds, async (token) => {
    asked.push(token);
    return pages[asked.length - 1] ?? expect.fail("one page too many");
  });

  expect(all).toEqual([1, 2, 3]);
  expect(asked).toEqual([undefined, "two"]);
});

test("an endpoint that always names another page gets a bounded number of calls, and is refused", async () => {
  let asked = 0;
  const reading = allOfPages("GET things", bounds, async () => {
    asked += 1;
    return { items: [asked], next: "more" };
  });

  await expect(reading).rejects.toMatchObject({ code: "answer-too-large", what: "GET things goes on after 5 pages" });
  expect(asked).toBe(5);
});

test("pages of more items than are read are refused", async () => {
  const reading = allOfPages("GET things", bounds, async () => ({ items: Array.from({ length: 60 }), next: "more" }));

  await expect(reading).rejects.toMatchObject({ what: "GET things has more than 100 items" });
});

test("no page is asked for after the deadline of the whole reading", async () => {
  const ending = new AbortController();
  let asked = 0;
  const reading = allOfPages("GET things", { ...bounds, deadline: ending.signal }, async () => {
    asked += 1;
    ending.abort();
    return { items: [], next: "more" };
  });

  await expect(reading).rejects.toMatchObject({ what: "GET things takes too long for one reading" });
  expect(asked).toBe(1);
});

test("a body is read no further than its bound", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 1;
      yield Buffer.alloc(1000);
    }
  }

  await expect(boundedText(endless(), { bytes: 5_000, values: 10 }, "It")).rejects.toMatchObject({
    code: "answer-too-large",
  });
  expect(given).toBe(6);
});

test("a body that arrives byte by byte takes no more memory than its bytes", async () => {
  setFlagsFromString("--expose-gc");
  const inUse = () => {
    runInNewContext("gc()");
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = inUse();
  let after = 0;
  async function* byteByByte() {
    for (let given = 0; given < 2 ** 18; given += 1) yield Buffer.from(" ");
    after = inUse();
  }

  const text = await boundedText(byteByByte(), { bytes: 2 ** 20, values: 10 }, "It");

  expect(text).toBe(" ".repeat(2 ** 18));
  expect(after - before).toBeLessThan(2 ** 22);
});

test.each([
  ["a list of more values than are read", `[1${",1".repeat(10)}]`],
  ["an object of more members than are read", `{"a":1${',"b":1'.repeat(10)}}`],
  ["values nested deeper than any answer", "[".repeat(101)],
  ["values behind a text with an escaped quote", `{"a":"\\"","b":[1${",1".repeat(10)}]}`],
])("%s is refused before it is parsed", async (_name, text) => {
  const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]));

  const reading = boundedText(Readable.from(bytes), { bytes: 5_000, values: 10 }, "It");

  await expect(reading).rejects.toMatchObject({ code: "answer-too-large" });
});

test("a text counts as one value, whatever is in it", async () => {
  const text = `{"a":"${",[{".repeat(100)}\\"${",[{".repeat(100)}"}`;

  const read = await boundedText(Readable.from([Buffer.from(text)]), { bytes: 5_000, values: 10 }, "It");

  expect(read).toBe(text);
});

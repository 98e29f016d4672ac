import { expect, test } from "vitest";
import { unfinishedAt } from "../../src/operations/stoppable.ts";

test("work that ends by itself gets time until the deadline, and is named if it does not end", async () => {
  expect(await unfinishedAt(Promise.resolve(), "the sweep", new AbortController().signal)).toEqual([]);
  expect(await unfinishedAt(new Promise(() => {}), "the sweep", AbortSignal.abort())).toEqual(["the sweep"]);
});

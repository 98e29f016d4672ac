import { setImmediate as nextTurn } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { stopParts } from "../../src/bin/serve.ts";
import { stoppable } from "../../src/operations/stoppable.ts";

test("a process stops any number of parts without a warning of Node.js", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on("warning", note);
  const parts = Array.from({ length: 30 }, (_, index) => stoppable({ stop: async () => {} }, `part ${index}`));

  await stopParts(parts, 5, pino({ level: "silent" }));
  await nextTurn();
  process.off("warning", note);

  expect(warnings).toEqual([]);
});

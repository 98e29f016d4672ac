import { expect, test } from "vitest";
import { audit } from "../../src/bin/audit.ts";
import { runCommand } from "./check-run.ts";

test.each(Object.getOwnPropertyNames(Object.prototype))("audit %s is no command", async (verb) => {
  const run = await runCommand(audit, [verb]);

  expect(run).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Give verify, export, show, review or erase."),
  });
});

test("an export with an event that nests too deep has a verdict", async () => {
  const hash = "0".repeat(64);
  const detail = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const event = `{"type":"a","at":"b","actor":"c","request":"d","detail":${detail}}`;
  const stdin = `{"sequence":1,"event":${event},"previous":"${hash}","hash":"${hash}"}`;

  const run = await runCommand(audit, ["verify", "--file", "-"], { stdin });

  expect(run).toMatchObject({ code: 1, stdout: "broken: Event 1 was edited.\n" });
});

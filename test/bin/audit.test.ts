import { expect, test } from "vitest";
import { type ChainedEvent, chainHash, genesis, toCloudEvent } from "../../src/access/audit-event.ts";
import { digestOfEvent } from "../../src/access/seal.ts";
import { audit } from "../../src/bin/audit.ts";
import { runCommand } from "./check-run.ts";

test.each(Object.getOwnPropertyNames(Object.prototype))("audit %s is no command", async (verb) => {
  const run = await runCommand(audit, [verb]);

  expect(run).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Give verify, export, show, review or erase."),
  });
});

test("a second file is named, and not the verb that is there", async () => {
  const run = await runCommand(audit, ["verify", "--file", "one", "two"]);

  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("eks-access audit: Unexpected argument two.") });
});

test("an export with an event that nests too deep has a verdict", async () => {
  const hash = "0".repeat(64);
  const detail = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const event = `{"type":"a","at":"b","actor":"c","request":"d","detail":${detail}}`;
  const stdin = `{"sequence":1,"event":${event},"previous":"${hash}","hash":"${hash}"}`;

  const run = await runCommand(audit, ["verify", "--file", "-"], { stdin });

  expect(run).toMatchObject({ code: 1, stdout: "broken: Event 1 was edited.\n" });
});

test.each([
  ["own form", (each: ChainedEvent) => each],
  ["a CloudEvent", toCloudEvent],
])("an export whose event got a __proto__, or its line a field, is edited: %s", async (_, formOf) => {
  const event = { type: "request.created", at: "b", actor: "c", request: "d", cluster: "e", detail: {} } as const;
  const chained = { sequence: 1, event, previous: genesis, hash: chainHash(genesis, digestOfEvent(event)) };
  const line = JSON.stringify(formOf(chained));

  for (const stdin of [line, `\ufeff${line}\r\n`]) {
    const whole = await runCommand(audit, ["verify", "--file", "-"], { stdin });
    expect(whole.code).toBe(0);
  }
  for (const edited of [
    line.replace('"actor"', '"__proto__":{"actor":"x"},"actor"'),
    line.replace(/\}$/, ',"data_base64":"e30="}'),
    line.replace(/\}$/, ',"constructor":"U0OTHER"}'),
  ]) {
    const run = await runCommand(audit, ["verify", "--file", "-"], { stdin: edited });
    expect(run, edited).toMatchObject({ code: 1, stdout: "broken: Event 1 was edited.\n" });
  }
});

test("a file without an event proves nothing", async () => {
  const run = await runCommand(audit, ["verify", "--file", "-"], { stdin: "\n" });

  expect(run).toMatchObject({ code: 2, stderr: "eks-access audit: Line 1 is no exported event.\n" });
});

test("a line of quotes that never close is no exported event, and keeps no one waiting", async () => {
  const run = await runCommand(audit, ["verify", "--file", "-"], { stdin: '"\\'.repeat(1_000_000) });

  expect(run).toMatchObject({ code: 2, stderr: "eks-access audit: Line 1 is no exported event.\n" });
});

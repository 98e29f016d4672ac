import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { linesOf, runbooks } from "../runbooks/runbook.ts";
import { aProgram } from "./a-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      environment: z.record(z.string(), z.string()).nullish(),
      command: z.array(z.string()).nullish(),
      ports: z.array(z.looseObject({ host_ip: z.string(), published: z.string() })).default([]),
    }),
  ),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-compose-"));
  await cp(join(root, "docker-compose.yml"), join(folder, "docker-compose.yml"));
  await cp(join(root, "deploy/compose"), join(folder, "deploy/compose"), { recursive: true });
  for (const name of ["redis", "slack", "worker"]) {
    await writeFile(join(folder, `${name}.env`), `OF_${name.toUpperCase()}=yes\n`);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What Docker Compose makes of the files. */
async function composed(...files: readonly string[]): Promise<z.output<typeof read>["services"]> {
  const { path } = await aProgram("docker-compose", "usr/libexec/docker/cli-plugins/docker-compose");
  const args = [...files.flatMap((file) => ["-f", file]), "config", "--format", "json"];
  return read.parse(JSON.parse(await runProgram(path, args, { cwd: folder }))).services;
}

/** Which of the files of secrets a service gets. */
const secretsOf = (service: z.output<typeof read>["services"][string] | undefined) =>
  Object.keys(service?.environment ?? {}).filter((name) => name.startsWith("OF_"));

test("Docker Compose reads one of each, and the Slack process alone is reached, from this machine", async () => {
  const services = await composed("docker-compose.yml");

  expect(Object.keys(services).sort()).toEqual(["redis", "slack", "worker"]);
  expect(services.slack?.ports).toMatchObject([{ host_ip: "127.0.0.1", published: "3000" }]);
});

test("Docker Compose reads two of each, with the secrets of the first, behind the proxy alone", async () => {
  const services = await composed("docker-compose.yml", "deploy/compose/two.yml");
  const reached = Object.entries(services).filter(([, { ports }]) => ports.length > 0);

  expect(Object.keys(services).sort()).toEqual(["proxy", "redis", "slack", "slack-2", "worker", "worker-2"]);
  expect(reached.map(([name]) => name)).toEqual(["proxy"]);
  expect(secretsOf(services["slack-2"]).sort()).toEqual(["OF_REDIS", "OF_SLACK"]);
  expect(secretsOf(services["worker-2"]).sort()).toEqual(["OF_REDIS", "OF_WORKER"]);
  expect(secretsOf(services.proxy)).toEqual([]);
  expect([services["slack-2"]?.command, services["worker-2"]?.command]).toEqual([["slack"], ["worker"]]);
});

/** Each line of the runbooks that calls Docker Compose, with its runbook. */
const typed = [...runbooks.keys()].flatMap((heading) =>
  linesOf(heading).flatMap((line) => {
    const [, call] = /docker compose (.+)$/.exec(line) ?? [];
    return call ? [[heading, call] as const] : [];
  }),
);

test.each(typed)("Docker Compose knows each option of a line in %s: %s", async (_heading, call) => {
  const { path } = await aProgram("docker-compose", "usr/libexec/docker/cli-plugins/docker-compose");
  const words = call.split(" ");
  const verb = words.find((word, index) => !word.startsWith("-") && words[index - 1] !== "-f") ?? "";

  const help = await runProgram(path, [verb, "--help"], { cwd: folder });

  expect(help).toContain(`Usage:  docker compose ${verb}`);
  const options = words.slice(words.indexOf(verb) + 1).flatMap((word) => /^--[^=]+/.exec(word) ?? []);
  expect(options.filter((option) => !new RegExp(`(^|\\s)${option}(\\s|$)`, "m").test(help))).toEqual([]);
});

test("there are such lines", () => {
  expect(typed.length).toBeGreaterThan(5);
});

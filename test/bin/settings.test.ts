import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { explainFailure } from "../../src/access/failure/access-error.ts";
import { readSettings } from "../../src/bin/settings.ts";
import { configText } from "../builders/a-cluster.ts";
import { keys, variablesNamed } from "../builders/keys.ts";

const variables = variablesNamed("ours");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-settings-"));
  for (const name of ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "REDIS_URL", "LOG_LEVEL"]) {
    vi.stubEnv(name, undefined);
  }
  for (const [name, value] of Object.entries(variables.worker)) vi.stubEnv(name, value);
  vi.stubEnv("EKS_ACCESS_CONFIG", join(folder, "eks-access.yml"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function configured(text: string): Promise<void> {
  await writeFile(join(folder, "eks-access.yml"), text);
}

test("the environment and the file are read together", async () => {
  await configured(configText);

  const { environment, config } = await readSettings("worker");

  expect(environment.workerKeys?.memory.ids).toEqual(keys.memory.ids);
  expect([...config.clusters.keys()]).toEqual(["staging"]);
});

test("the problems of both are in one list", async () => {
  vi.stubEnv("MEMORY_KEYS", "hunter2secret");
  await configured(configText.replace("C0ACCESS", '"#access"'));

  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "config-invalid" });
  expect(explainFailure(failure)).toBe(`The configuration has 2 problems. Correct them and start again:
  - MEMORY_KEYS: set the secret that \`eks-access keys\` prints, or several separated by commas (the first one seals).
  - clusters.staging.channel: use a Slack channel id, for example C012ABCDEF (not a name).`);
});

test("what the file's mode needs of the environment is part of the list", async () => {
  for (const name of Object.keys(variables.worker)) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables.slack)) vi.stubEnv(name, value);
  vi.stubEnv("SLACK_BOT_TOKEN", "xoxb-1");
  await configured(`slack: { mode: socket }\n${configText}`);

  const failure = await readSettings("slack").catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(`The configuration has 1 problem. Correct it and start again:
  - SLACK_APP_TOKEN: set an app-level token (it starts with xapp-); slack.mode socket needs it.`);
});

test("a missing file is reported with its name", async () => {
  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(`The configuration has 1 problem. Correct it and start again:
  - ${join(folder, "eks-access.yml")}: no such file. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.`);
});

test("a directory in the file's place is reported as one, with where it comes from", async () => {
  await mkdir(join(folder, "eks-access.yml"));

  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(explainFailure(failure)).toContain("eks-access.yml: it is a directory. Docker creates one if");
});

test("a file that the process may not read is reported as that, and not as missing", async () => {
  await configured(configText);
  await chmod(folder, 0o000);

  const failure = await asNobody(() => readSettings("worker"));
  await chmod(folder, 0o700);

  expect(explainFailure(failure)).toContain("eks-access.yml: permission denied. Let this process's user");
});

/** What it says to somebody without rights: nothing is kept from the superuser. */
async function asNobody(act: () => Promise<unknown>): Promise<unknown> {
  const isSuperuser = process.geteuid?.() === 0;
  if (isSuperuser) process.seteuid?.(65_534);
  try {
    return await act().catch((error: unknown) => error);
  } finally {
    if (isSuperuser) process.seteuid?.(0);
  }
}

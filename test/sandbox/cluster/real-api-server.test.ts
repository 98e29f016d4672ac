import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCertificates } from "../../../sandbox/cluster/certificate.ts";
import { startRealApiServer } from "./real/api-server.ts";

let assets: string;

beforeAll(async () => {
  assets = await mkdtemp(join(tmpdir(), "eks-access-assets-"));
});
afterAll(() => rm(assets, { recursive: true }));

async function start(programs: { etcd: string; apiServer: string }): Promise<unknown> {
  const files = { etcd: programs.etcd, "kube-apiserver": programs.apiServer };
  for (const [name, script] of Object.entries(files)) {
    await writeFile(join(assets, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(assets, name), 0o700);
  }
  const hooks = { tokens: "http://127.0.0.1:1/", access: "http://127.0.0.1:1/" };
  return startRealApiServer({ assets, certificates: issueCertificates(new Date()), hooks, cacheMs: 0 });
}

const waits = "exec sleep 60";

test.each([
  ["the program that ended, and its code", { etcd: waits, apiServer: "exit 3" }, "kube-apiserver ended with code 3"],
  ["the signal that ended it", { etcd: "kill -9 $$", apiServer: waits }, "etcd ended with SIGKILL"],
  ["the end of its log", { etcd: waits, apiServer: "echo no such flag; exit 1" }, "no such flag"],
])("an API server that does not start: the error has %s", async (_, programs, reason) => {
  await expect(start(programs)).rejects.toThrow(reason);
});

test("an API server that does not start: the error says that no program could be started", async () => {
  const path = process.env.PATH;
  process.env.PATH = assets;
  try {
    await expect(start({ etcd: waits, apiServer: waits })).rejects.toThrow("spawn sh ENOENT");
  } finally {
    process.env.PATH = path;
  }
});

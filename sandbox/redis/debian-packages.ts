import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { succeeds } from "../../src/operations/deadlines.ts";

/** A server from the distribution's packages, unpacked without an installation. */
export type UnpackedServer = { program: string; libraryPath: string };

/** A distribution has one of them, or both. */
const servers = ["redis-server", "valkey-server"] as const;
export type ServerPackage = (typeof servers)[number];

/** Without root; apt checks the signatures as always. Undefined: no apt. @param only undefined: the first available one */
export async function fetchDebianRedis(only?: ServerPackage): Promise<UnpackedServer | undefined> {
  const apt = await findOnPath("apt-get");
  const dpkg = await findOnPath("dpkg");
  if (apt === undefined || dpkg === undefined) return undefined;
  const cache = await cacheFolder();
  const wanted = only ? [only] : servers;
  const home = join(cache, `${only ?? "redis"}-${process.arch}`);
  const kept = await workingServer(home, wanted);
  if (kept !== undefined) return kept;
  // Unpacks into another folder and moves it in one step: a concurrent process never sees half of it.
  const aside = await mkdtemp(join(cache, "unpack-"));
  try {
    await download(apt, aside, wanted);
    await unpack(dpkg, aside);
    await putInPlace(join(aside, "root"), home, wanted);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const server = await workingServer(home, wanted);
  if (server === undefined) throw new Error("the packages were unpacked, but the server in them does not run");
  return server;
}

/** A concurrent process can be faster: its result stays if it works. */
async function putInPlace(unpacked: string, home: string, wanted: readonly ServerPackage[]): Promise<void> {
  if ((await succeeds(rename(unpacked, home))) || (await workingServer(home, wanted)) !== undefined) return;
  await rm(home, { recursive: true, force: true });
  await rename(unpacked, home);
}

/** Tries with the machine's package lists; if they are missing or old, with its own. */
async function download(apt: string, folder: string, wanted: readonly ServerPackage[]): Promise<void> {
  const shared = ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"];
  try {
    return await downloadWith(apt, shared, folder, wanted);
  } catch {
    const own = [...shared, ...(await ownState(folder))];
    await runProgram(apt, [...own, "update"], { cwd: folder, timeoutMs: 300_000 });
    return await downloadWith(apt, own, folder, wanted);
  }
}

async function downloadWith(apt: string, options: readonly string[], folder: string, wanted: readonly ServerPackage[]) {
  const packages = await missingPackages(apt, options, wanted);
  await runProgram(apt, [...options, "download", ...packages], { cwd: folder, timeoutMs: 300_000 });
}

/** What an installation would add: the server and its missing libraries. */
async function missingPackages(apt: string, options: readonly string[], wanted: readonly ServerPackage[]) {
  let failure: unknown;
  for (const server of wanted) {
    try {
      const plan = await runProgram(apt, [...options, "--simulate", "--no-install-recommends", "install", server]);
      const added = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? "");
      // Not the C library, which must fit the machine's loader.
      return added.filter((name) => /^(redis|valkey|lib|lua)/.test(name) && !/^libc(6|-)/.test(name));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** Lists and archives in our own folder, for users without root; sources and keys are the machine's. */
async function ownState(folder: string): Promise<readonly string[]> {
  const state = join(folder, "state");
  const archives = join(folder, "cache");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(archives, "archives", "partial"), { recursive: true });
  const settings = [`Dir::State=${state}`, "Dir::State::status=/var/lib/dpkg/status", `Dir::Cache=${archives}`];
  return settings.flatMap((setting) => ["-o", setting]);
}

async function unpack(dpkg: string, folder: string): Promise<void> {
  const root = join(folder, "root");
  await mkdir(root);
  for (const name of await readdir(folder)) {
    if (name.endsWith(".deb")) await runProgram(dpkg, ["-x", name, root], { cwd: folder });
  }
}

async function workingServer(home: string, wanted: readonly ServerPackage[]): Promise<UnpackedServer | undefined> {
  const libraryPath = (await libraryFolders(home)).join(":");
  for (const server of wanted) {
    const program = join(home, "usr", "bin", server);
    const run = runProgram(program, ["--version"], { env: { LD_LIBRARY_PATH: libraryPath } });
    if (await succeeds(run)) return { program, libraryPath };
  }
  return undefined;
}

/** `usr/lib/<triplet>` and `lib/<triplet>`, for any triplet. */
async function libraryFolders(home: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const parent of [join(home, "usr", "lib"), join(home, "lib")]) {
    const names = await readdir(parent).catch(() => []);
    folders.push(parent, ...names.filter((name) => name.includes("-linux-")).map((name) => join(parent, name)));
  }
  return folders;
}

/** Runs a program to its end and returns its standard output. A failure's message is its last line of standard error. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<string> {
  const env = { ...process.env, LC_ALL: "C", ...options.env };
  const settings = { cwd: options.cwd, env, timeout: options.timeoutMs ?? 120_000, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      reject(new Error(stderr.trim().split("\n").at(-1) || error.message, { cause: error }));
    });
  });
}

/** Only this user can write it. Its content will be executed, so it refuses another user's folder. */
export async function cacheFolder(): Promise<string> {
  const parents = [
    process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    join(process.cwd(), "node_modules", ".cache"),
    tmpdir(),
  ];
  for (const parent of parents) {
    const folder = join(parent, `eks-access-${process.getuid?.() ?? 0}`);
    if (await isOurs(folder)) return folder;
  }
  throw new Error(`none of these folders can be written: ${parents.join(", ")}`);
}

async function isOurs(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await lstat(folder);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

export async function findOnPath(...programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program);
      if (folder !== "" && (await succeeds(access(path, constants.X_OK)))) return path;
    }
  }
  return undefined;
}

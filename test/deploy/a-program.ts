import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, findOnPath, runProgram } from "../../sandbox/redis/debian-packages.ts";

/** A program that can be run, and the libraries that it needs beside the machine's own. */
export interface FoundProgram {
  readonly path: string;
  readonly libraryPath: string;
}

/**
 * A program of the PATH, or out of Debian's package and what it depends on: unpacked into the cache, without an
 * installation and without root.
 * @param path where the package has it, for example `usr/sbin/haproxy`
 */
export async function aProgram(name: string, path: string): Promise<FoundProgram> {
  const installed = await findOnPath(path.slice(path.lastIndexOf("/") + 1));
  if (installed) return { path: installed, libraryPath: "" };
  const home = join(await cacheFolder(), `${name}-${process.arch}`);
  if (!(await isThere(join(home, path)))) await unpackInto(home, name);
  const triplets = await readdir(join(home, "usr/lib")).catch(() => []);
  return { path: join(home, path), libraryPath: triplets.map((each) => join(home, "usr/lib", each)).join(":") };
}

async function unpackInto(home: string, name: string): Promise<void> {
  await mkdir(home, { recursive: true });
  // Unpacked aside: what is half done is never taken for the whole.
  const aside = await mkdtemp(join(home, "unpack-"));
  try {
    const options = ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"];
    const plan = await runProgram("apt-get", [...options, "--simulate", "--no-install-recommends", "install", name]);
    const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, each = ""]) => each);
    await runProgram("apt-get", [...options, "download", ...packages], { cwd: aside });
    for (const file of await readdir(aside)) await runProgram("dpkg", ["-x", file, "root"], { cwd: aside });
    await rename(join(aside, "root", "usr"), join(home, "usr"));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function isThere(program: string): Promise<boolean> {
  return access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
}

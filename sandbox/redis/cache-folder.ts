import { lstat, mkdir } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A folder that this user alone can write, kept between runs: under the user's cache folder, in `node_modules/.cache`, or
 * in the temporary folder. What lies in it will be executed, so a folder that somebody else put there first is refused.
 */
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

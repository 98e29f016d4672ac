import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileReading, type FileWatch, readConfigFile, watchFile } from "../../src/config/live-config.ts";

let folder: string;
let file: string;
let taken: FileReading[];
let watch: FileWatch;

const texts = () => taken.map((reading) => (reading.type === "text" ? reading.text : reading.problem));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-watch-"));
  file = join(folder, "eks-access.yml");
  taken = [];
});
afterEach(async () => {
  await watch.stop();
  await rm(folder, { recursive: true });
});

/** @param between what happens while a text settles */
async function watching(between: () => Promise<void> = async () => {}): Promise<void> {
  const first = await readConfigFile(file);
  const take = async (reading: FileReading) => {
    taken.push(reading);
    return true;
  };
  const waited = async (ms: number, { aborted }: AbortSignal) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (ms === 2) await between();
    return !aborted;
  };
  watch = watchFile(file, first.type === "text" ? first.digest : "", take, { everyMs: 1, settlesMs: 2, waited });
}

test("a new text is offered once, and the text in force only after a signal", async () => {
  await writeFile(file, "one");
  await watching();

  await writeFile(file, "two");
  await expect.poll(texts).toEqual(["two"]);
  watch.reread();

  await expect.poll(texts).toEqual(["two", "two"]);
});

test("the exchange of a link, as Kubernetes renews a mounted file, is seen", async () => {
  for (const version of ["one", "two"]) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "eks-access.yml"), version);
  }
  await symlink(join(folder, "one"), join(folder, "data"));
  file = join(folder, "data", "eks-access.yml");
  await watching();

  await symlink(join(folder, "two"), join(folder, "next"));
  await rename(join(folder, "next"), join(folder, "data"));

  await expect.poll(texts).toEqual(["two"]);
});

test("a file that is written in parts counts when it is complete", async () => {
  await writeFile(file, "one");
  const parts = ["two and th", "two and three"];
  await watching(async () => {
    const part = parts.shift();
    if (part) await writeFile(file, part);
  });

  await writeFile(file, "two");

  await expect.poll(texts).toEqual(["two and three"]);
});

test("a file that is gone is a problem, and counts again when it is back", async () => {
  await writeFile(file, "one");
  await watching();

  await rm(file);
  await expect.poll(texts).toEqual([expect.stringContaining("no such file")]);
  await writeFile(file, "one");

  await expect.poll(texts).toEqual([expect.anything(), "one"]);
});

import { readFile } from "node:fs/promises";
import type { CommandIo } from "./command-io.ts";

export type InputReading = { type: "text"; text: string } | { type: "unusable"; message: string };

/** Reads a file, or stdin for `-`. */
export async function readInput(path: string, io: CommandIo): Promise<InputReading> {
  try {
    return { type: "text", text: path === "-" ? await io.readStdin() : await readFile(path, "utf8") };
  } catch (error) {
    return { type: "unusable", message: `${path} can't be read: ${reasonOf(error)}.` };
  }
}

/** What the system says, without its call and path. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "it may not be read",
    EISDIR: "it is a folder",
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

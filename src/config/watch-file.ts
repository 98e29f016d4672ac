import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

/** The text of a file, or the mistake behind a file that can't be read, with its fix. */
export type FileReading =
  | { readonly type: "text"; readonly text: string; readonly digest: string }
  | { readonly type: "unreadable"; readonly problem: string };

export async function readConfigFile(file: string): Promise<FileReading> {
  try {
    const text = await readFile(file, "utf8");
    return { type: "text", text, digest: createHash("sha256").update(text).digest("hex") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const problem =
      problemsByCode[code] ?? `eks-access can't read the file (${code}). Set EKS_ACCESS_CONFIG to another file.`;
    return { type: "unreadable", problem: `${file}: ${problem}` };
  }
}

const problemsByCode: Readonly<Record<string, string>> = {
  ENOENT: "no such file. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.",
  EACCES: "permission denied. Let this process's user read the file and enter its folders.",
  EISDIR:
    "it is a directory. Docker creates one if the file to mount is missing: remove it, put the file there, and recreate the container.",
};

/** An editor can write a file in parts: a text counts if it is the same after `settlesMs`. */
const usual = { everyMs: 2_000, settlesMs: 500, waited };
/** A refused text can become right unchanged: an approver comes back, a lease ends. */
const offerAgainMs = 60_000;

export interface FileWatch {
  /** Reads the file again now, also if its text is the same. */
  readonly reread: () => void;
  readonly stop: () => Promise<void>;
}

/**
 * Reads a file every two seconds, and offers each new text. It compares texts, because Kubernetes replaces a mounted file by changing
 * a link.
 *
 * @param first the digest of the text in force
 * @param take true: the text is settled; false: offer it again in a minute
 */
export function watchFile(
  file: string,
  first: string,
  take: (reading: FileReading) => Promise<boolean>,
  { everyMs, settlesMs, waited: wait } = usual,
): FileWatch {
  const stopping = new AbortController();
  let known = first;
  let offerAt = 0;
  const look = async () => {
    const before = await readConfigFile(file);
    const again = offerAt > 0 && Date.now() >= offerAt;
    if (keyOf(before) === known && !again) return;
    if (!(await wait(settlesMs, stopping.signal))) return;
    const reading = await readConfigFile(file);
    if (keyOf(reading) !== keyOf(before)) return;
    known = keyOf(reading);
    offerAt = (await take(reading)) ? 0 : Date.now() + offerAgainMs;
  };
  const watching = (async () => {
    while (await wait(everyMs, stopping.signal)) await look();
  })();
  return {
    reread: () => {
      known = "";
    },
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

function keyOf(reading: FileReading): string {
  return reading.type === "text" ? reading.digest : reading.problem;
}

/** False: the watch ends. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal, ref: false }).catch(() => false);
}

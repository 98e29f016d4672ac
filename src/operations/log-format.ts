import type { Writable } from "node:stream";
import type { DestinationStream } from "pino";
import { redact } from "../access/redact.ts";

export type Output = Writable & { readonly isTTY?: boolean };

/** Readable lines in a terminal; undefined: JSON on standard output, for a pipe or a file. */
export async function logDestination(
  format: "json" | "auto",
  output: Output,
  isColoured: boolean,
): Promise<DestinationStream | undefined> {
  if (format === "json" || !output.isTTY) return undefined;
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination: output,
    sync: true,
    colorize: isColoured,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "process",
    hideObject: true,
    messageFormat: (line, messageKey, _level, { colors }) => {
      const { request, msg: _msg, ...rest } = line;
      const id = typeof request === "string" ? `${colors.magenta(request)} ` : "";
      return oneLine(`${id}${colors.bold(String(line[messageKey]))}${colors.gray(inWords(rest))}`);
    },
  });
}

const known = new Set(["level", "time", "process", "pid", "hostname"]);

/** A line's fields besides its message, as `name=value`. Of an error only its message: the JSON has the stack. */
function inWords(rest: Readonly<Record<string, unknown>>): string {
  return Object.entries(rest)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => ` ${name}=${valueInWords(value)}`)
    .join("");
}

function valueInWords(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  return typeof value === "string" && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}

function oneLine(text: string): string {
  const lines = redact(text)
    .split("\n")
    .map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}

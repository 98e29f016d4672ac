import { text } from "node:stream/consumers";
import type { CommandIo } from "./command-io.ts";

/** The process's own streams. Colour only for people: never into a file, a pipe or where NO_COLOR is set. */
export function processIo(): CommandIo {
  return {
    stdout: (chunk) => void process.stdout.write(chunk),
    stderr: (chunk) => void process.stderr.write(chunk),
    readStdin: () => text(process.stdin),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  };
}

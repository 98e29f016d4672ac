import { code, codeBlock, cut, section } from "../mrkdwn.ts";
import type { Message } from "./message.ts";

/** What the help says of a word: the part of a command that it needs. */
export interface HelpLine {
  readonly word: string;
  readonly usage: string;
  readonly summary: string;
}

/** What `/eks-access` understands. */
export function helpAnswer(commands: readonly HelpLine[]): Message {
  const text = [
    "*eks-access* gives you access to an EKS cluster for a time, once an approver agrees.",
    ...commands.map(({ word, usage, summary }) => `${code(`/eks-access ${word} ${usage}`)} ${summary}`),
  ].join("\n");
  return { text, blocks: [section(text)] };
}

/** A word that is no command: the one that was meant, in the whole line to copy. */
export function unknownCommandAnswer(word: string, guess: string | null, rest: string): Message {
  const said = `There is no command ${code(word)}.`;
  const hint = guess
    ? `Did you mean ${code(guess)}? Copy this line:\n${codeBlock(`/eks-access ${guess} ${rest}`.trim(), 2000)}`
    : `See ${code("/eks-access help")}.`;
  const text = cut(`${said} ${hint}`, 3000);
  return { text, blocks: [section(text)] };
}

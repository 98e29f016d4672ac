import type { KnownBlock } from "@slack/types";
import { approvesFor } from "../../access/policy/may.ts";
import { isNamedIn, type Person } from "../../access/policy/person.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { listButton, requestButton } from "../blocks/buttons.ts";
import { answer, type Message } from "../blocks/message.ts";
import { code, codeBlock, codeList, cut, preformatted, section } from "../blocks/mrkdwn.ts";
import { personShown } from "../people/standing.ts";

const most = 2800;

/** Built once: the words never change while the process lives. */
const known = new WeakMap<readonly HelpLine[], HelpLines>();

export const help: Command = {
  word: "help",
  usage: "",
  summary: "shows this help help",
  run: async (context, { user, commands }) => helpAnswer(commands, roleOf(context, await personShown(context, user))),
};

/** From the configuration alone, so that help works without Redis. */
function roleOf({ config }: SlackContext, person: Person): Role {
  const clusters = [...config.clusters.values()];
  return {
    approves: clusters.filter((cluster) => approvesFor(cluster, person)).map(({ name }) => name),
    onCall: clusters.filter(({ onCall }) => isNamedIn(onCall, person)).map(({ name }) => name),
  };
}

/** The part of a command that the help needs. */
interface HelpLine {
  readonly word: string;
  readonly usage: string;
  readonly summary: string;
  readonly forApprovers?: boolean;
}

/** The clusters that a person answers for, by name. */
interface Role {
  readonly approves: readonly string[];
  readonly onCall: readonly string[];
}

/** What this person can do, in words and with buttons. */
export function helpAnswer(commands: readonly HelpLine[], role: Role): Message {
  const title = "*eks-access* gives you access to an EKS cluster for a time, once an approver agrees.";
  const approver = role.approves.length > 0;
  return {
    text: title.replaceAll("*", ""),
    blocks: [
      section([title, ...roleLines(role)].join("\n")),
      helpButtons(approver || role.onCall.length > 0),
      ...linesOf(commands)[approver ? "approver" : "engineer"],
    ],
  };
}

interface HelpLines {
  readonly engineer: readonly KnownBlock[];
  readonly approver: readonly KnownBlock[];
}

function linesOf(commands: readonly HelpLine[]): HelpLines {
  const lines = known.get(commands) ?? { engineer: blocksOf(commands, false), approver: blocksOf(commands, true) };
  known.set(commands, lines);
  return lines;
}

function blocksOf(commands: readonly HelpLine[], approver: boolean): KnownBlock[] {
  const lines = commands
    .filter(({ forApprovers }) => !forApprovers || approver)
    .map(({ word, usage, summary }) => `${code(`/eks-access ${word} ${usage}`.trim())} ${summary}`);
  return inSections(lines);
}

function roleLines({ approves, onCall }: Role): string[] {
  return [
    ...(approves.length > 0 ? [`You decide about requests for ${codeList(approves, 900)}.`] : []),
    ...(onCall.length > 0 ? [`You are on call for ${codeList(onCall, 900)} and can revoke any access there.`] : []),
  ];
}

function helpButtons(answersForClusters: boolean): KnownBlock {
  const list = (kind: "mine" | "pending" | "active", label: string) => listButton(kind, label, { kind }, 0);
  const others = answersForClusters ? [list("pending", "Waiting for a decision"), list("active", "Active access")] : [];
  return {
    type: "actions",
    block_id: "help",
    elements: [requestButton("primary"), list("mine", "My requests"), ...others],
  };
}

/** As few sections as Slack's limit allows. Each cut is between two lines. */
function inSections(lines: readonly string[]): KnownBlock[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < most) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.map(section);
}

/** Suggests the closest command, as a whole line to copy. */
export function unknownCommandAnswer(word: string, guess: string | null, rest: string): Message {
  const said = `There is no command ${code(word)}.`;
  if (!guess) return answer(`${said} See ${code("/eks-access help")}.`);
  const line = `/eks-access ${guess} ${rest}`.trim();
  const text = cut(`${said} Did you mean ${code(guess)}? Copy this line:`, 3000);
  return {
    text: `${text}
${codeBlock(line, 2000)}`,
    blocks: [section(text), preformatted(line, 2000)],
  };
}

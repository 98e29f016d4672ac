import type { KnownBlock } from "@slack/types";
import { nearest } from "../../access/ask/read-part.ts";
import { breakGlassFor, isApproverOf, isNamedIn, type Person } from "../../access/policy/rule.ts";
import type { Command, SlackContext } from "../app/context.ts";
import { personShown } from "../app/request-people.ts";
import { breakGlassButton, helpButton, listButton, maxValue, requestButton, runButton } from "../show/buttons.ts";
import { answer, joinedLines, type Message } from "../show/message.ts";
import { actions, code, codeBlock, codeList, cut, preformatted, section, unformatted } from "../show/mrkdwn.ts";

export const help: Command = {
  word: "help",
  usage: "[all]",
  summary: "shows this help; all lists every command",
  run: (context, { user, rest, commands }) => readHelp(context, user, commands, rest === "all"),
};

export async function readHelp(
  context: SlackContext,
  user: string,
  commands: readonly HelpLine[],
  isAll: boolean,
): Promise<Message> {
  return helpAnswer(isAll ? commands : [], roleOf(context, await personShown(context, user)));
}

/** From the configuration alone, so help works without Redis. */
function roleOf({ config }: SlackContext, person: Person): Role {
  const clusters = [...config.clusters.values()];
  return {
    approves: clusters.filter((cluster) => isApproverOf(cluster, person)).map(({ name }) => name),
    onCall: clusters.filter(({ onCall }) => isNamedIn(onCall, person)).map(({ name }) => name),
    emergency: clusters.some((cluster) => breakGlassFor(cluster, person) !== null),
  };
}

type HelpLine = Pick<Command, "word" | "usage" | "summary" | "forApprovers">;

interface Role {
  readonly approves: readonly string[];
  readonly onCall: readonly string[];
  readonly emergency: boolean;
}

/** What this person can do. `commands`: those to list below; empty: a button opens the list. */
export function helpAnswer(commands: readonly HelpLine[], role: Role): Message {
  const title = "*eks-access* gives you access to an EKS cluster for a time, once approved.";
  const intro = [title, ...roleLines(role)];
  const lines = usableBy(role, commands).map(
    ({ word, usage, summary }) => `${code(`/eks-access ${word} ${usage}`.trim())} ${summary}`,
  );
  return {
    text: unformatted([...intro, ...lines].join("\n")),
    blocks: [
      section(intro.join("\n")),
      helpButtons(role, commands.length > 0),
      ...joinedLines(lines, 2800).map(section),
    ],
  };
}

function usableBy({ approves, emergency }: Role, commands: readonly HelpLine[]): readonly HelpLine[] {
  return commands
    .filter(({ forApprovers }) => !forApprovers || approves.length > 0)
    .filter(({ word }) => word !== "break-glass" || emergency);
}

function roleLines({ approves, onCall }: Role): string[] {
  return [
    ...(approves.length > 0 ? [`You can approve on ${codeList(approves, 900)}.`] : []),
    ...(onCall.length > 0 ? [`You are on call for ${codeList(onCall, 900)}.`] : []),
  ];
}

function helpButtons({ approves, onCall, emergency }: Role, isAll: boolean): KnownBlock {
  const list = (kind: "mine" | "pending" | "active", label: string) => listButton(kind, label, { kind }, 0);
  const isResponsible = approves.length > 0 || onCall.length > 0;
  return actions("help", [
    requestButton("primary"),
    list("mine", "My requests"),
    ...(isResponsible ? [list("pending", "Waiting for a decision"), list("active", "Active access")] : []),
    ...(emergency ? [breakGlassButton()] : []),
    ...(isAll ? [] : [helpButton()]),
  ]);
}

/** Words of our messages and buttons that name a command by other letters. */
const alsoCalled = new Map([
  ["emergency", "break-glass"],
  ["access", "request"],
  ["done", "revoke"],
]);

/** The command that a person meant, of those that they can use. Null: none is near enough. */
export async function commandMeant(
  context: SlackContext,
  user: string,
  commands: readonly HelpLine[],
  word: string,
): Promise<string | null> {
  const usable = usableBy(roleOf(context, await personShown(context, user)), commands);
  const words = usable.map((each) => each.word);
  return nearest(alsoCalled.get(word.toLowerCase()) ?? word, words);
}

/** @param toRun `rest` with Slack's escapes, for the button */
export function unknownCommandAnswer(word: string, guess: string | null, rest: string, toRun = rest): Message {
  const said = `There is no command ${code(word)}.`;
  if (!guess) {
    const { text, blocks } = answer(`${said} See ${code("/eks-access help")}.`);
    return { text, blocks: [...blocks, actions("help", [helpButton()])] };
  }
  const line = `${guess} ${rest}`.trim();
  const text = cut(`${said} Did you mean ${code(guess)}? Copy this line:`, 3000);
  const sent = `${guess} ${toRun}`.trim();
  const run = sent.length <= maxValue ? [actions("run", [runButton(sent)])] : [];
  return {
    text: `${text}\n${codeBlock(`/eks-access ${line}`, 2000)}`,
    blocks: [section(text), preformatted(`/eks-access ${line}`, 2000), ...run],
  };
}

import type { ViewOutput } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { z } from "zod";
import { formatDuration, parseDuration } from "../../access/ask/duration.ts";
import type { PartName, RequestParts } from "../../access/ask/read-request.ts";
import { arnIn } from "../../access/ask/request-line.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { OfferedLevel, Person } from "../../access/policy/rule.ts";
import { parseJson } from "../../access/seal.ts";
import { withoutInvisible } from "../show/mrkdwn.ts";

export interface ClusterOffer {
  readonly cluster: Cluster;
  /** Null: Slack did not answer in time. */
  readonly person: Person | null;
  readonly levels: readonly OfferedLevel[];
}

/** What the form remembers of itself; `shown` is the digest of the form without its input. */
const metadata = z.object({
  /** How often we replaced the ARN in the field. Slack keeps typed text in a field, so another value needs a field with another id. */
  replaced: z.int().min(0).catch(0),
  shown: z.string().catch(""),
  /** The clusters that this person asked for last, newest first: the menu begins with them. */
  recent: z.array(z.string()).readonly().catch([]),
  /** How long a decision usually takes in the chosen cluster, in seconds; null: unknown. */
  answerSeconds: z.number().nullable().catch(null),
});

export const emptyForm = {
  cluster: "",
  level: "",
  duration: "",
  /** A typed time, such as `90 min`. It replaces the chosen one. */
  otherDuration: "",
  principal: "",
  /** Slack user id of the person who gets the access; empty: the person at the form. */
  askedFor: "",
  /** One of several identities, by its `identityKey`. */
  identity: "",
  namespaces: "",
  ticket: "",
  ...readMemory(""),
};

export type RequestForm = Readonly<typeof emptyForm>;

/** A consistent form: a level of this cluster, and a time that the level allows. */
export interface CompletedForm {
  readonly form: RequestForm;
  readonly offer: ClusterOffer | null;
  readonly level: OfferedLevel | null;
}

const usualSeconds = 3600;
const steps = ["15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "2d", "3d", "7d"] as const;

/** Clears values that can't be chosen, and fills in those without a choice. */
export function completeForm(form: RequestForm, offers: readonly ClusterOffer[]): CompletedForm {
  const offer = offers.find(({ cluster }) => cluster.name === form.cluster) ?? onlyOne(offers);
  const level = offer?.levels.find(({ name }) => name === form.level) ?? onlyOne(offer?.levels ?? []);
  const durations = level ? durationsOf(level, form.duration) : [];
  const usual = durations.findLast((each) => secondsOf(each) <= usualSeconds) ?? durations[0] ?? "";
  const duration = durations.includes(form.duration) ? form.duration : usual;
  return { form: { ...form, cluster: offer?.cluster.name ?? "", level: level?.name ?? "", duration }, offer, level };
}

/** @param earlier the time of an earlier request: a choice like the others, if it is short enough */
export function durationsOf(
  { maxDurationSeconds, permanent }: Pick<OfferedLevel, "maxDurationSeconds" | "permanent">,
  earlier = "",
): readonly string[] {
  const isShorter = (time: string) => secondsOf(time) > 0 && secondsOf(time) < maxDurationSeconds;
  const shorter = [...new Set([...steps, earlier])].filter(isShorter);
  const longest = formatDuration(maxDurationSeconds).replaceAll(" ", "");
  const times = shorter.toSorted((a, b) => secondsOf(a) - secondsOf(b));
  return [...times, longest, ...(permanent ? ["permanent"] : [])];
}

function secondsOf(duration: string): number {
  return parseDuration(duration) ?? 0;
}

function onlyOne<T>(values: readonly T[]): T | null {
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? only : null;
}

/** A field of the form: a part of a request, the time that is typed, or one of several identities. */
type FieldName = PartName | "other-duration" | "identity";

/** The id of a field. Slack keeps a field's value while its id stays, so other choices need another id. */
export function fieldId(part: FieldName, ...of: readonly string[]): string {
  return [part, ...of].join("/");
}

function readMemory(text: string): Omit<z.infer<typeof metadata>, "shown"> {
  const { shown: _, ...kept } = metadata.safeParse(parseJson(text)).data ?? metadata.parse({});
  return kept;
}

type FormView = Pick<ViewOutput, "state" | "private_metadata">;
export function readForm(view: FormView): RequestForm {
  const { cluster, level, principal, namespaces, ticket, for: person } = readFormParts(view);
  return {
    ...{ cluster, level, principal, namespaces, ticket: ticket ?? "" },
    ...{ duration: putIn(view, "duration"), otherDuration: typedDuration(view) },
    ...{ askedFor: person?.user ?? "", identity: chosenIdentity(view) },
    ...readMemory(view.private_metadata),
  };
}

/** Whether the screen already shows this form, apart from the input. */
export function showsForm(
  view: Pick<FormView, "private_metadata">,
  form: Pick<ModalView, "private_metadata">,
): boolean {
  return view.private_metadata === form.private_metadata;
}

/** The identity that a person chose among several; empty: none. */
export function chosenIdentity(view: FormView): string {
  return putIn(view, "identity");
}

export function readFormParts(view: FormView): RequestParts {
  const user = putIn(view, "for");
  return {
    cluster: putIn(view, "cluster"),
    level: putIn(view, "level"),
    principal: arnIn(putIn(view, "principal").trim()),
    for: user === "" ? null : { name: user, user, isAtEnd: false },
    namespaces: putIn(view, "namespaces"),
    duration: typedDuration(view) || putIn(view, "duration"),
    ticket: putIn(view, "ticket") || null,
    reason: putIn(view, "reason"),
  };
}

/** The id of the block for a part: the one that was used, of two. The cluster's block if the form does not show that part. */
export function blockOf(view: FormView, part: PartName): string {
  const isTyped = part === "duration" && typedDuration(view) !== "";
  const menu = part === "principal" && putIn(view, part).trim() === "" ? idOf(view, "identity") : undefined;
  return menu ?? idOf(view, isTyped ? "other-duration" : part) ?? "cluster";
}

function idOf({ state }: FormView, name: FieldName): string | undefined {
  return Object.keys(state.values).findLast((id) => id.split("/")[0] === name);
}

function typedDuration(view: FormView): string {
  return putIn(view, "other-duration").trim();
}

function putIn(view: FormView, name: FieldName): string {
  const id = idOf(view, name);
  const [field] = id === undefined ? [] : Object.values(view.state.values[id] ?? {});
  const several = field?.selected_options?.map(({ value }) => value).join(",");
  return withoutInvisible(several ?? field?.selected_option?.value ?? field?.selected_user ?? field?.value ?? "");
}

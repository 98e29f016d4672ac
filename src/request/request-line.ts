import type { Cluster, Level } from "../policy/cluster.ts";
import { mayRequest } from "../policy/may-request.ts";
import { type Principal, readPrincipal } from "../principal/arn.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { nearest } from "./nearest.ts";

/** Everything that a request says, read and allowed by the policy. */
export interface RequestWish {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly principal: Principal;
  readonly durationSeconds: number;
  readonly reason: string;
}

/** The parts of a request as they were typed, in a line or in the fields of a form. */
export interface RequestParts {
  readonly cluster: string;
  readonly principal: string;
  readonly level: string;
  /** Undefined: not said. */
  readonly duration: string | undefined;
  readonly reason: string;
}

export type PartName = keyof RequestParts;

export type RequestReading =
  | { readonly type: "wish"; readonly wish: RequestWish }
  | {
      readonly type: "mistakes";
      /** What was understood, for example `cluster staging`. */
      readonly understood: readonly string[];
      readonly mistakes: readonly { readonly part: PartName; readonly message: string }[];
      /** The line to copy, with the mistakes corrected as far as we can tell, or with a placeholder. */
      readonly corrected: string;
    };

export const maxReasonLength = 500;
const defaultDurationSeconds = 3600;

/** Splits `<cluster> <arn> <level> [for 4h] <reason…>` into its parts. */
export function splitRequestLine(line: string): RequestParts {
  const [cluster = "", principal = "", level = "", ...rest] = line.trim().split(/\s+/);
  if (rest[0]?.toLowerCase() === "for") {
    return { cluster, principal, level, duration: rest[1] ?? "", reason: rest.slice(2).join(" ") };
  }
  return { cluster, principal, level, duration: undefined, reason: rest.join(" ") };
}

/** Reads the parts of a request. Every mistake is told at once, with a corrected line. */
export function readRequest(parts: RequestParts, clusters: ReadonlyMap<string, Cluster>): RequestReading {
  const cluster = readCluster(parts.cluster, clusters);
  const level = readLevel(parts.level, cluster.value);
  const principal = readArn(parts.principal);
  const duration = readDuration(parts.duration, level.value);
  const reason = readReason(parts.reason);
  const read = { cluster, principal, level, duration, reason };
  const mistakes = Object.entries(read).flatMap(([part, { mistake }]) =>
    mistake ? [{ part: part as PartName, message: mistake }] : [],
  );
  if (mistakes.length === 0 && cluster.value && level.value && principal.value && duration.value && reason.value) {
    const wish = {
      cluster: cluster.value,
      level: level.value,
      principal: principal.value,
      durationSeconds: duration.value,
      reason: reason.value,
    };
    const verdict = mayRequest(wish);
    if (verdict.type === "allowed") return { type: "wish", wish };
    const part = verdict.code === "too-long" ? "duration" : "principal";
    if (part === "duration") duration.corrected = `for ${short(wish.level.maxDurationSeconds)}`;
    mistakes.push({ part, message: verdict.message });
  }
  const words = [cluster.corrected, principal.corrected, level.corrected, duration.corrected, reason.corrected];
  return {
    type: "mistakes",
    understood: Object.entries(read).flatMap(([part, { value, mistake, shown }]) =>
      value && !mistake ? [`${part} ${shown}`] : [],
    ),
    mistakes,
    corrected: `/eks-access request ${words.filter((word) => word !== "").join(" ")}`,
  };
}

interface ReadPart<T> {
  value: T | null;
  mistake: string | null;
  /** What stands in the corrected line. */
  corrected: string;
  shown: string;
}

function understood<T>(value: T, shown: string, corrected = shown): ReadPart<T> {
  return { value, mistake: null, corrected, shown };
}

function mistaken<T>(mistake: string, corrected: string): ReadPart<T> {
  return { value: null, mistake, corrected, shown: "" };
}

function readCluster(typed: string, clusters: ReadonlyMap<string, Cluster>): ReadPart<Cluster> {
  const cluster = clusters.get(typed.toLowerCase());
  if (cluster) return understood(cluster, cluster.name);
  const names = [...clusters.keys()];
  const said = typed ? `There is no cluster ${typed}.` : "Say which cluster.";
  return mistaken(`${said} Clusters: ${names.join(", ")}.`, nearest(typed, names) ?? "<cluster>");
}

function readLevel(typed: string, cluster: Cluster | null): ReadPart<Level> {
  if (!cluster) return { value: null, mistake: null, corrected: typed || "<level>", shown: typed };
  const level = cluster.levels.find((each) => each.name === typed.toLowerCase());
  if (level) return understood(level, level.name);
  const names = cluster.levels.map((each) => each.name);
  const said = typed ? `${cluster.name} does not offer a level ${typed}.` : "Say which level.";
  return mistaken(`${said} Levels: ${names.join(", ")}.`, nearest(typed, names) ?? "<level>");
}

function readArn(typed: string): ReadPart<Principal> {
  if (!typed) return mistaken("Say which IAM role or user, as an ARN.", "<arn>");
  const reading = readPrincipal(typed);
  if (reading.type === "principal") return understood(reading.principal, reading.principal.arn);
  const { message, suggestion } = reading;
  return mistaken(suggestion ? `${message} Write ${suggestion}` : message, suggestion ?? "<arn>");
}

function readDuration(typed: string | undefined, level: Level | null): ReadPart<number> {
  if (typed === undefined) {
    const seconds = Math.min(defaultDurationSeconds, level?.maxDurationSeconds ?? defaultDurationSeconds);
    return understood(seconds, formatDuration(seconds), "");
  }
  const seconds = parseDuration(typed);
  if (seconds) return understood(seconds, formatDuration(seconds), `for ${typed}`);
  return mistaken(`"${typed}" is not a duration. Write for example 30m, 4h or 1h30m.`, "for 4h");
}

function readReason(typed: string): ReadPart<string> {
  const reason = typed.trim();
  if (reason.length > maxReasonLength) {
    return mistaken(
      `The reason has ${reason.length} characters; ${maxReasonLength} are the most.`,
      reason.slice(0, maxReasonLength),
    );
  }
  return reason ? understood(reason, `"${reason}"`, reason) : mistaken("Say why you need it.", "<reason>");
}

function short(seconds: number): string {
  return formatDuration(seconds).replaceAll(" ", "");
}

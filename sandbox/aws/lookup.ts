import type { CloudTrailEvent } from "./eks-cluster.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What LookupEvents is asked for, after CloudTrail has accepted it. Times are milliseconds since the epoch. */
export interface Lookup {
  matches: (event: CloudTrailEvent) => boolean;
  from: number;
  until: number;
  /** How many events of the result stand on earlier pages, and how many fit on one. */
  offset: number;
  max: number;
}

interface LookupBody {
  LookupAttributes?: { AttributeKey: string; AttributeValue: string }[];
  StartTime?: number;
  EndTime?: number;
  MaxResults?: number;
  NextToken?: string;
}

const pageSize = 50;

const attributes: Readonly<Record<string, (event: CloudTrailEvent) => readonly (string | undefined)[]>> = {
  EventId: (event) => [event.id],
  EventName: (event) => [event.name],
  EventSource: (event) => [event.source],
  ReadOnly: (event) => [String(event.readOnly)],
  ResourceName: (event) => event.resources.map(({ name }) => name),
  ResourceType: (event) => event.resources.map(({ type }) => type),
  Username: (event) => [event.username],
};

/** Checks the parameters of LookupEvents as CloudTrail does. */
export function readLookup(body: string): Lookup | Refusal {
  const asked = JSON.parse(body) as LookupBody;
  const {
    LookupAttributes = [],
    StartTime = 0,
    EndTime = Number.POSITIVE_INFINITY,
    MaxResults: max = pageSize,
  } = asked;
  const [attribute] = LookupAttributes;
  const valuesOf = attribute && attributes[attribute.AttributeKey];
  if (LookupAttributes.length > 1 || (attribute && !valuesOf)) {
    return refuse("InvalidLookupAttributesException", "Give one lookup attribute, and one that exists.");
  }
  if (max < 1 || max > pageSize) {
    return refuse("InvalidMaxResultsException", `The max results value ${max} is not between 1 and ${pageSize}.`);
  }
  if (StartTime > EndTime) return refuse("InvalidTimeRangeException", "The start time is after the end time.");
  const offset = readToken(asked.NextToken);
  if (offset === undefined) return refuse("InvalidNextTokenException", "The next token is invalid.");
  const matches = (event: CloudTrailEvent) => valuesOf?.(event).includes(attribute?.AttributeValue) ?? true;
  return { matches, from: StartTime * 1000, until: EndTime * 1000, offset, max };
}

/** The token of the page that begins after `offset` events. */
export function pageToken(offset: number): string {
  return Buffer.from(`at:${offset}`).toString("base64");
}

function readToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const [, offset] = /^at:(\d+)$/.exec(Buffer.from(token, "base64").toString("latin1")) ?? [];
  return offset === undefined ? undefined : Number(offset);
}

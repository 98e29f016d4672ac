import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { AccessError } from "../access/access-error.ts";
import type { BusSink } from "../access/audit/sink.ts";
import { type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** The limit of one call (EventBridge API Reference, PutEvents). */
export const maxEntries = 10;

export interface BusEvent {
  readonly type: string;
  readonly at: string;
  /** JSON. */
  readonly detail: string;
}

/**
 * Sends events to a bus, `maxEntries` at most.
 * @returns how many of the first ones arrived: EventBridge takes and refuses each by itself
 * @throws AccessError if not even the first one did
 */
export async function putEvents(
  credentials: CredentialSource,
  { busArn }: BusSink,
  events: readonly BusEvent[],
): Promise<number> {
  const region = busArn.split(":")[3] ?? "";
  const client = new EventBridgeClient(clientSettings(credentials, region));
  const what = `events:PutEvents on ${busArn}`;
  try {
    const Entries = events.map(({ type, at, detail }) => ({
      EventBusName: busArn,
      Source: "eks-access",
      DetailType: type,
      Time: new Date(at),
      Detail: detail,
    }));
    const { Entries: results = [] } = await client.send(new PutEventsCommand({ Entries }));
    const failed = results.findIndex(({ EventId }) => EventId === undefined);
    if (failed === 0) {
      const { ErrorCode = "unknown", ErrorMessage = "" } = results[0] ?? {};
      throw new AccessError("aws-failing", `EventBridge refused an event at ${what} (${ErrorCode}: ${ErrorMessage})`);
    }
    return failed < 0 ? results.length : failed;
  } catch (error) {
    throw awsFailure(error, what);
  } finally {
    client.destroy();
  }
}

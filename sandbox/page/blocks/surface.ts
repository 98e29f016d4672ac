import type { JsonObject } from "../../json.ts";
import type { Inputs, SandboxChannel, SandboxUser } from "../../slack/inputs.ts";

export interface Reader {
  readonly user: SandboxUser;
  readonly people: readonly SandboxUser[];
  readonly channels: readonly SandboxChannel[];
  readonly now: Date;
}

/** The message or view around blocks: the target of their clicks, with the values of their inputs. */
export interface Surface {
  readonly reader: Reader;
  /** Unique on the page; the ids of its elements begin with it. */
  readonly id: string;
  /** The fields that identify the message or view for the server. */
  readonly address: Readonly<Record<string, string>>;
  readonly inputs: Inputs;
  /** The mistake in an input, by block_id. */
  readonly errors: Readonly<Record<string, string>>;
  readonly form?: string;
}

export interface Placed {
  readonly surface: Surface;
  readonly blockId: string;
  readonly element: JsonObject;
}

/** An id for an element, without characters that a selector must escape. */
export function idOf(surface: Surface, ...parts: readonly string[]): string {
  return [surface.id, ...parts].join("-").replace(/[^\w-]/g, "_");
}

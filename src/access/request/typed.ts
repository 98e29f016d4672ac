import { z } from "zod";

/** What a person types with a request, in the form in which the ledger has it. */
export const typedFields = {
  reason: z.string(),
  ticket: z.string().nullable(),
  /** Those that the requester chose where a level lets them, sorted, with commas; empty: none. */
  namespaces: z.string(),
} as const;

/** These fields travel whole through every form, record and event, and the approval's digest covers them. */
export type Typed = { readonly [Name in keyof typeof typedFields]: z.infer<(typeof typedFields)[Name]> };

/** The fields that an emergency and a recovered lease leave empty. */
export const untyped = { ticket: null, namespaces: "" } as const satisfies Partial<Typed>;

/** Of a wish or a record, these fields alone. */
export function typedIn({ reason, ticket, namespaces }: Typed): Typed {
  return { reason, ticket, namespaces };
}

/** The people of a request or a migration. */
export interface Asked {
  /** Slack user id of the person who gets the access. */
  readonly requester: string;
  /** Slack user id of the person who asked for them. Null or absent: the requester asked. */
  readonly askedBy?: string | null;
}

/** Who sent it: limits count for this person. */
export function askerOf({ requester, askedBy }: Asked): string {
  return askedBy ?? requester;
}

/** Who gets the access, and who asked for it: both can see and end it, and neither can decide about it. */
export function peopleOf({ requester, askedBy }: Asked): readonly string[] {
  return askedBy ? [requester, askedBy] : [requester];
}

export function isTheirs(asked: Asked, user: string): boolean {
  return peopleOf(asked).includes(user);
}

/** Access without an approval, for an emergency: given at once, told loudly, and reviewed afterwards. */
export interface BreakGlass {
  /** Slack user ids, user groups and e-mail domains. */
  readonly who: readonly string[];
  /** The name of the level that is given. */
  readonly level: string;
  readonly durationSeconds: number;
}

/** Keys of an IAM user, or of a session where there is a session token. Kept in memory only. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When the session ends. */
  readonly expiration?: Date;
}

/** `"default"`: what the SDK finds by itself (IRSA, Pod Identity, environment, profile, instance role). */
export type CredentialSource = AwsCredentials | "default";

import { STSClient } from "@aws-sdk/client-sts";

/** The SHA-256 that the SDK signs with. */
export const { sha256 } = new STSClient({ region: "eu-central-1" }).config;

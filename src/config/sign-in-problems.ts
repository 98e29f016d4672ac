import { partitionOfRegion } from "../aws-auth/index.ts";
import type { ConfigFile } from "./config-file.ts";

/** What is wrong with the roles that the worker is to sign in as, beside their form: nobody of them can be given access. */
export function signInProblems({ clusters }: ConfigFile): string[] {
  return Object.entries(clusters).flatMap(([name, { signIn, region, account, foreignAccounts }]) =>
    signIn.roles.flatMap((arn, index) => {
      const [, partition = "", , , of = ""] = arn.split(":");
      const own = partitionOfRegion(region);
      const path = `clusters.${name}.signIn.roles[${index}]`;
      if (own !== null && partition !== own) {
        return [`${path}: it is of partition ${partition}, region ${region} of ${own}. Correct one of them.`];
      }
      if (of === account || foreignAccounts.includes(of)) return [];
      return [
        `${path}: it is of account ${of}, of which nobody is given access here. Correct it, or add the account to foreignAccounts.`,
      ];
    }),
  );
}

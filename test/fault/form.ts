/** The long form plays everything, for minutes (`npm run test:fault`); the short one a cross-section, in seconds. */
export const isLong = process.env.EKS_ACCESS_FAULTS === "long";

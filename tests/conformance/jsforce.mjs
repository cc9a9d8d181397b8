export async function jsforceChecks() {}

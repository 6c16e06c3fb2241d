import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * The functions' bundles take this in place of the SDK's whole chain of credential providers, whose profiles, SSO and
 * metadata services no function needs: Lambda hands a function its role's credentials in environment variables
 * ("Using Lambda environment variables" in the Lambda developer guide). They hold for as long as the function's
 * container lives, so that they are read once, as the chain would, and not for each call.
 */
export function defaultProvider(): ReturnType<typeof fromEnv> {
  const read = fromEnv();
  let known: ReturnType<typeof read> | undefined;
  return () => {
    known ??= read();
    return known;
  };
}

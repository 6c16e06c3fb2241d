/**
 * The functions' bundles take this in place of the SDK's whole chain of credential providers, whose profiles, SSO and
 * metadata services no function needs: Lambda hands a function its role's credentials in environment variables
 * ("Using Lambda environment variables" in the Lambda developer guide).
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';

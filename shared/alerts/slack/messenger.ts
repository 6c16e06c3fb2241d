import type { ChatPostMessageArguments, SlackError, WebAPIPlatformError } from '@slack/web-api';
import { ErrorCode, LogLevel, WebClient } from '@slack/web-api';

import { edgesRoute } from '../placement/edges.ts';
import { usageRoute } from '../usage.ts';
import { lambdaFunction } from './function.ts';

export const handler = lambdaFunction(usageRoute, edgesRoute);

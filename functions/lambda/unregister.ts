import { unregisterRoute } from '../register.ts';
import { lambdaFunction } from './function.ts';

export const handler = lambdaFunction(unregisterRoute);

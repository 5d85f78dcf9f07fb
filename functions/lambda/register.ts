import { registerRoute } from '../register.ts';
import { lambdaFunction } from './function.ts';

export const handler = lambdaFunction(registerRoute);

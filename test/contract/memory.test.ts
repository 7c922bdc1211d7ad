import { memoryStore } from '../../src/adapters/memory/store.ts';
import { storeContract } from './store-contract.ts';

storeContract({ name: 'memory', open: async () => memoryStore() });

import { readFileSync } from 'node:fs';
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { type Any, anyPack, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const packageName = 'connectrpc.conformance.v1';

/** The suite's own types: read at run time from its contract, of which nothing is kept here. */
export class Suite {
  readonly registry: FileRegistry;

  /** `file` holds the descriptors of its contract. */
  constructor(file: string) {
    this.registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  }

  get service(): DescService {
    return this.registry.getService(`${packageName}.ConformanceService`) as DescService;
  }

  message(name: string): DescMessage {
    return this.registry.getMessage(`${packageName}.${name}`) as DescMessage;
  }

  read(name: string, bytes: Uint8Array): Message {
    return fromBinary(this.message(name), bytes);
  }

  write(name: string, init: Record<string, unknown>): Uint8Array {
    const type = this.message(name);
    return toBinary(type, create(type, init));
  }

  pack(message: Message): Any {
    return anyPack(this.registry.getMessage(message.$typeName) as DescMessage, message);
  }
}

/** As much as is used of the messages of service.proto. */
export interface Header {
  readonly name: string;
  readonly value: string[];
}

export interface ErrorDefinition {
  readonly code: number;
  readonly message?: string;
  readonly details: Any[];
}

interface ResponseDefinition {
  readonly responseHeaders: Header[];
  readonly responseTrailers: Header[];
  readonly responseDelayMs: number;
}

export interface UnaryResponseDefinition extends ResponseDefinition {
  readonly response:
    | { readonly case: 'responseData'; readonly value: Uint8Array }
    | { readonly case: 'error'; readonly value: ErrorDefinition }
    | { readonly case: undefined };
}

export interface StreamResponseDefinition extends ResponseDefinition {
  readonly responseData: Uint8Array[];
  readonly error?: ErrorDefinition;
}

export interface UnaryRequest extends Message {
  readonly responseDefinition?: UnaryResponseDefinition;
}

export interface StreamRequest extends Message {
  readonly responseDefinition?: StreamResponseDefinition;
  readonly fullDuplex?: boolean;
}

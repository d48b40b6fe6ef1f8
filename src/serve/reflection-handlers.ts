import {
  type DescFile,
  type DescMessage,
  type DescService,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from '../../gen/typescript/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/typescript/grpc/reflection/v1alpha/reflection_pb.js';

type Response = MessageInitShape<typeof ServerReflectionResponseSchema>;
type Reply = NonNullable<Response['messageResponse']>;

/**
 * gRPC server reflection, in both of its versions, whose messages are the same: tools learn the
 * contract from it. `details`: files that no service needs, such as those of details of errors.
 */
export function reflectionService(
  router: ConnectRouter,
  ofCollector: readonly DescService[],
  details: readonly DescFile[],
): void {
  const services = [...ofCollector, ServerReflection, ServerReflectionAlpha];
  const contract = new Contract(services, [...services.map(({ file }) => file), ...details]);
  async function* serverReflectionInfo(
    requests: AsyncIterable<ServerReflectionRequest>,
  ): AsyncGenerator<Response> {
    for await (const originalRequest of requests) {
      const messageResponse = contract.answer(originalRequest);
      yield { validHost: originalRequest.host, originalRequest, messageResponse };
    }
  }
  router.service(ServerReflection, { serverReflectionInfo });
  // Typed as if the names of their packages made a difference.
  const service: unknown = ServerReflectionAlpha;
  router.service(service as typeof ServerReflection, { serverReflectionInfo });
}

/** What may be asked about: services, files, and every name in them. */
class Contract {
  readonly #services: readonly DescService[];
  readonly #files: readonly DescFile[];
  readonly #symbols: ReadonlyMap<string, DescFile>;

  constructor(services: readonly DescService[], files: readonly DescFile[]) {
    this.#services = services;
    this.#files = withImports(files);
    this.#symbols = new Map(
      this.#files.flatMap((file) => [...symbolsOf(file)].map((symbol) => [symbol, file] as const)),
    );
  }

  answer({ messageRequest }: ServerReflectionRequest): Reply {
    switch (messageRequest.case) {
      case 'listServices': {
        const service = this.#services.map(({ typeName }) => ({ name: typeName }));
        return { case: 'listServicesResponse', value: { service } };
      }
      case 'fileByFilename':
        return described(this.#files.find((file) => `${file.name}.proto` === messageRequest.value));
      case 'fileContainingSymbol':
        return described(this.#symbols.get(messageRequest.value.replace(/^\./, '')));
      case 'allExtensionNumbersOfType': {
        const baseTypeName = messageRequest.value;
        // Nothing of ours extends anything.
        return this.#symbols.has(baseTypeName)
          ? { case: 'allExtensionNumbersResponse', value: { baseTypeName } }
          : notFound();
      }
      default:
        return notFound();
    }
  }
}

function described(file: DescFile | undefined): Reply {
  if (!file) return notFound();
  const fileDescriptorProto = withImports([file]).map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

const notFound = (): Reply => ({
  case: 'errorResponse',
  value: { errorCode: Code.NotFound, errorMessage: 'not found' },
});

/** Files and all that they import, each once, and after what it imports. */
function withImports(files: readonly DescFile[]): DescFile[] {
  const all = new Set<DescFile>();
  const add = (file: DescFile) => {
    if (all.has(file)) return;
    file.dependencies.forEach(add);
    all.add(file);
  };
  files.forEach(add);
  return [...all];
}

/** The messages that stand for the entries of maps, which are no types to the library. */
function* mapEntriesOf({ typeName, proto }: DescMessage): Generator<string> {
  for (const { name, field, options } of proto.nestedType) {
    if (!options?.mapEntry) continue;
    yield `${typeName}.${name}`;
    for (const part of field) yield `${typeName}.${name}.${part.name}`;
  }
}

/** The full names of all that a file declares, nested ones and parts of messages too. */
function* symbolsOf(file: DescFile): Generator<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    switch (type.kind) {
      case 'service':
        for (const { name } of type.methods) yield `${type.typeName}.${name}`;
        break;
      case 'message':
        for (const { name } of [...type.fields, ...type.oneofs]) yield `${type.typeName}.${name}`;
        yield* mapEntriesOf(type);
        break;
      case 'enum': {
        // Values of an enum are named beside it, not in it.
        const scope = type.typeName.replace(/[^.]+$/, '');
        for (const { name } of type.values) yield `${scope}${name}`;
      }
    }
  }
}

import { create, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../gen/typescript/grpc/reflection/v1/reflection_pb.js';

type Answer = ServerReflectionResponse['messageResponse'];

/** gRPC server reflection: tools such as grpcurl learn the contract from it. */
export function reflectionService(router: ConnectRouter, services: readonly DescService[]): void {
  const files = withImports(services.map((service) => service.file));
  const answer = ({ messageRequest }: ServerReflectionRequest): Answer => {
    switch (messageRequest.case) {
      case 'listServices':
        return listed(services);
      case 'fileByFilename':
        return described(files.find((file) => `${file.name}.proto` === messageRequest.value));
      case 'fileContainingSymbol':
        return described(files.find((file) => declares(file, messageRequest.value)));
      default:
        return notFound();
    }
  };
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const originalRequest of requests) {
        yield create(ServerReflectionResponseSchema, {
          validHost: originalRequest.host,
          originalRequest,
          messageResponse: answer(originalRequest),
        });
      }
    },
  });
}

function listed(services: readonly DescService[]): Answer {
  const value = { service: services.map(({ typeName }) => ({ name: typeName })) };
  return create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'listServicesResponse', value },
  }).messageResponse;
}

function described(file: DescFile | undefined): Answer {
  if (!file) return notFound();
  const fileDescriptorProto = withImports([file]).map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'fileDescriptorResponse', value: { fileDescriptorProto } },
  }).messageResponse;
}

function notFound(): Answer {
  const value = { errorCode: Code.NotFound, errorMessage: 'not found' };
  return create(ServerReflectionResponseSchema, {
    messageResponse: { case: 'errorResponse', value },
  }).messageResponse;
}

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

function declares(file: DescFile, symbol: string): boolean {
  const { services, messages, enums } = file;
  const isMethod = services.some(({ typeName, methods }) =>
    methods.some(({ name }) => symbol === `${typeName}.${name}`),
  );
  return (
    isMethod || [...services, ...messages, ...enums].some(({ typeName }) => typeName === symbol)
  );
}

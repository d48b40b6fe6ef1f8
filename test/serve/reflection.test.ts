import { create, createFileRegistry, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
} from '../../gen/typescript/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/typescript/grpc/reflection/v1alpha/reflection_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

type Question = NonNullable<
  MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest']
>;

async function ask(...questions: Question[]) {
  return await askBy(ServerReflection, ...questions);
}

async function askBy(service: typeof ServerReflection, ...questions: Question[]) {
  const client = createClient(service, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
  async function* requests() {
    for (const messageRequest of questions) {
      yield create(ServerReflectionRequestSchema, { messageRequest });
    }
  }
  const answers = [];
  for await (const { messageResponse } of client.serverReflectionInfo(requests())) {
    answers.push(messageResponse);
  }
  return answers;
}

it('lists the services', async () => {
  const [answer] = await ask({ case: 'listServices', value: '' });
  const names =
    answer?.case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
  expect(names).toEqual([
    'gravitas.telemetry.v1.IngestService',
    'gravitas.telemetry.v1.QueryService',
    'gravitas.telemetry.v1.DeadLetterService',
    'gravitas.telemetry.v1.KeyService',
    'gravitas.telemetry.v1.AuditService',
    'gravitas.telemetry.v1.ErasureService',
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
  ]);
});

it('describes services, methods, messages and files completely', async () => {
  const answers = await ask(
    { case: 'fileContainingSymbol', value: 'gravitas.telemetry.v1.IngestService' },
    { case: 'fileContainingSymbol', value: 'gravitas.telemetry.v1.IngestService.Log' },
    { case: 'fileContainingSymbol', value: 'gravitas.telemetry.v1.LogRequest' },
    { case: 'fileByFilename', value: 'gravitas/telemetry/v1/ingest.proto' },
  );
  expect(answers).toHaveLength(4);
  for (const answer of answers) {
    if (answer.case !== 'fileDescriptorResponse') throw new Error(`${answer.case}`);
    const file = answer.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    expect(registry.getService('gravitas.telemetry.v1.IngestService')?.methods).toHaveLength(5);
  }
});

it.each([
  'gravitas.telemetry.v1.LogRequest.event_type',
  'gravitas.telemetry.v1.Rejection.Kind',
  'gravitas.telemetry.v1.DURABILITY_COMMITTED',
  '.gravitas.telemetry.v1.Event',
  'google.rpc.BadRequest.FieldViolation',
  'google.rpc.RequestInfo.request_id',
  'google.protobuf.Struct.FieldsEntry',
  'google.protobuf.Value.kind',
  'grpc.health.v1.HealthCheckResponse.SERVING',
  'grpc.reflection.v1.ServerReflection.ServerReflectionInfo',
  'grpc.reflection.v1alpha.ServerReflectionRequest',
])('finds the file of %s', async (value) => {
  const [answer] = await ask({ case: 'fileContainingSymbol', value });
  expect(answer?.case).toBe('fileDescriptorResponse');
});

it('answers tools that speak the version before', async () => {
  const alpha: unknown = ServerReflectionAlpha;
  const answers = await askBy(
    alpha as typeof ServerReflection,
    { case: 'listServices', value: '' },
    { case: 'fileContainingSymbol', value: 'gravitas.telemetry.v1.Event' },
    { case: 'allExtensionNumbersOfType', value: 'gravitas.telemetry.v1.Event' },
  );
  expect(answers.map((answer) => answer.case)).toEqual([
    'listServicesResponse',
    'fileDescriptorResponse',
    'allExtensionNumbersResponse',
  ]);
});

it('says of what there is not that it is not found', async () => {
  const [answer] = await ask({ case: 'fileContainingSymbol', value: 'no.such.Service' });
  expect(answer).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
});

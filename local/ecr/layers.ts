import { z } from 'zod';
import { AwsError } from '../service';
import type { Context } from './context';
import { digestPattern, digest as digestShape, inRepository, type Operations, operation } from './input';
import { digestOf } from './manifest';
import { type Place, type Repository, repositoryIn } from './state';

const mebibyte = 1024 * 1024;

interface Upload {
  readonly repository: Repository;
  readonly parts: Uint8Array[];
  size: number;
}

const uploadId = z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);

/** Layers live in memory only: pushing a manifest asks for none, so that nothing but a pull misses them later. */
export function layerOperations({ state, newId }: Context): Operations {
  const layers = new WeakMap<Repository, Map<string, Uint8Array>>();
  const uploads = new Map<string, Upload>();

  function layersOf(repository: Repository): Map<string, Uint8Array> {
    const held = layers.get(repository) ?? new Map<string, Uint8Array>();
    layers.set(repository, held);
    return held;
  }

  function uploadIn(place: Place, name: string, id: string): Upload {
    const upload = uploads.get(id);
    if (upload?.repository === repositoryIn(state, place, name)) return upload;
    throw new AwsError(
      'UploadNotFoundException',
      `The upload with id '${id}' does not exist in the repository with name '${name}'`,
    );
  }

  return {
    BatchCheckLayerAvailability: operation(
      inRepository.extend({ layerDigests: z.array(z.string().max(1000)).min(1).max(100) }),
      (input, place) => {
        const held = layersOf(repositoryIn(state, place, input.repositoryName));
        const valid = input.layerDigests.filter((layer) => digestPattern.test(layer));
        const invalid = input.layerDigests.filter((layer) => !digestPattern.test(layer));
        return {
          layers: valid.map((layerDigest) => ({
            layerDigest,
            layerAvailability: held.has(layerDigest) ? 'AVAILABLE' : 'UNAVAILABLE',
            ...(held.has(layerDigest) && { layerSize: held.get(layerDigest)?.byteLength }),
          })),
          failures: invalid.map((layerDigest) => ({
            layerDigest,
            failureCode: layerDigest === '' ? 'MissingLayerDigest' : 'InvalidLayerDigest',
            failureReason: 'Invalid request parameters: layer digest is not valid',
          })),
        };
      },
    ),

    InitiateLayerUpload: operation(inRepository, ({ repositoryName }, place) => {
      const repository = repositoryIn(state, place, repositoryName);
      const id = newId();
      uploads.set(id, { repository, parts: [], size: 0 });
      return { uploadId: id, partSize: 10 * mebibyte };
    }),

    UploadLayerPart: operation(
      inRepository.extend({
        uploadId,
        partFirstByte: z.int().min(0),
        partLastByte: z.int().min(0),
        layerPartBlob: z.base64(),
      }),
      (input, place) => {
        const upload = uploadIn(place, input.repositoryName, input.uploadId);
        const part = Buffer.from(input.layerPartBlob, 'base64');
        const fits =
          input.partFirstByte === upload.size && input.partLastByte === upload.size + part.byteLength - 1;
        const identity = {
          registryId: place.account,
          repositoryName: input.repositoryName,
          uploadId: input.uploadId,
        };
        if (!fits) {
          throw new AwsError(
            'InvalidLayerPartException',
            'The layer part size is not valid, or the first byte specified is not consecutive to the last byte ' +
              'of a previous layer part upload',
            400,
            { ...identity, lastValidByteReceived: upload.size - 1 },
          );
        }
        upload.parts.push(part);
        upload.size += part.byteLength;
        return { ...identity, lastByteReceived: upload.size - 1 };
      },
    ),

    CompleteLayerUpload: operation(
      inRepository.extend({ uploadId, layerDigests: z.array(digestShape).min(1).max(100) }),
      (input, place) => {
        const upload = uploadIn(place, input.repositoryName, input.uploadId);
        if (upload.size === 0) {
          throw new AwsError(
            'EmptyUploadException',
            'The specified layer upload does not contain any layer parts',
          );
        }
        const content = Buffer.concat(upload.parts);
        const layerDigest = digestOf(content);
        if (!input.layerDigests.includes(layerDigest)) {
          throw new AwsError('InvalidLayerException', `The layer digest of the upload is '${layerDigest}'`);
        }
        uploads.delete(input.uploadId);
        const held = layersOf(upload.repository);
        if (held.has(layerDigest)) {
          throw new AwsError('LayerAlreadyExistsException', `The layer '${layerDigest}' already exists`);
        }
        held.set(layerDigest, content);
        return {
          registryId: place.account,
          repositoryName: input.repositoryName,
          uploadId: input.uploadId,
          layerDigest,
        };
      },
    ),

    GetDownloadUrlForLayer: operation(inRepository.extend({ layerDigest: digestShape }), (input, place) => {
      const repository = repositoryIn(state, place, input.repositoryName);
      const content = layersOf(repository).get(input.layerDigest);
      if (!content) {
        throw new AwsError('LayersNotFoundException', `The layer '${input.layerDigest}' does not exist`);
      }
      const base64 = Buffer.from(content).toString('base64');
      return {
        downloadUrl: `data:application/octet-stream;base64,${base64}`,
        layerDigest: input.layerDigest,
      };
    }),
  };
}

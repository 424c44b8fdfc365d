#!/bin/bash
# Train a supernet on several nodes under Slurm: RUN=/shared/runs/spos sbatch slurm-supernet.sh spos
# The first argument is the recipe; the others are passed to `lissnas supernet train`, as --set training.steps=2000.
#SBATCH --job-name=supernet
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=1-00:00:00
#SBATCH --signal=B:TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
set -eu

recipe=$1
shift
run=${RUN:?name a folder for the run that all nodes can reach, as RUN=/shared/runs/spos}
processes=${PROCESSES:-${SLURM_GPUS_ON_NODE:-8}}
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# Slurm sends TERM three minutes before the time is up, or when the job is preempted. The training writes a checkpoint and
# ends; the requeued job resumes from it.
terminated=
trap 'terminated=yes; kill -TERM "$step"' TERM

srun torchrun \
    --nnodes="$SLURM_NNODES" --nproc-per-node="$processes" \
    --rdzv-backend=c10d --rdzv-id="$SLURM_JOB_ID" --rdzv-endpoint="$first:${PORT:-29500}" \
    --no-python lissnas supernet train "$recipe" --out "$run" "$@" &
step=$!

code=0
wait "$step" || code=$?
while kill -0 "$step" 2>/dev/null; do
    code=0
    wait "$step" || code=$?
done
if [ -n "$terminated" ] && [ "$code" -ne 0 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"

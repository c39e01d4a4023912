export SLURM_CONF=$folder/slurm.conf PATH=$folder/bin:$$PATH
